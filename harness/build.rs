//! Compiles the code that puts other programs under a fixture's clock, on targets where it works.
//! `preload/` is a library for programs on glibc, `launcher/` starts Go programs and static ones:
//! on Linux with glibc, on x86-64 and aarch64. Compiling takes three seconds and needs only a
//! linker, as any Rust program there does. The harness embeds the results if the cfgs
//! `kerbox_preload` and `kerbox_launcher` are set.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=preload");
    println!("cargo::rerun-if-changed=launcher");
    println!("cargo::rustc-check-cfg=cfg(kerbox_preload, kerbox_launcher)");
    let target = |key: &str| env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    let fits = target("OS") == "linux"
        && target("ENV") == "gnu"
        && target("POINTER_WIDTH") == "64"
        && target("ENDIAN") == "little";
    let architecture = target("ARCH");
    // The largest page of memory that a kernel for this architecture uses.
    let page = match architecture.as_str() {
        "x86_64" => 4 << 10,
        "aarch64" => 64 << 10,
        _ => return,
    };
    if !fits {
        return;
    }
    // `main` and the C runtime's constructors belong to the program that loads the library.
    let linking = format!("link-args=-nostartfiles -Wl,-z,noseparate-code,-z,max-page-size={page}");
    build(
        "preload/lib.rs",
        "libkerbox_clock.so",
        &["--crate-type", "cdylib", "-C", &linking],
        "kerbox_preload",
    );
    build(
        "launcher/main.rs",
        "kerbox-clock-launcher",
        &[],
        "kerbox_launcher",
    );
}

/// Compiles `source` to the file `output` in the build folder and sets `cfg`. A failure does not
/// stop the build: fixtures work without it, and a command under the clock then reports what is
/// missing.
fn build(source: &str, output: &str, options: &[&str], cfg: &str) {
    match compile(source, output, options) {
        Ok(()) => println!("cargo::rustc-cfg={cfg}"),
        Err(error) => println!(
            "cargo::warning=no {output} for programs under the fixture's clock was built: {error}"
        ),
    }
}

fn compile(source: &str, output: &str, options: &[&str]) -> Result<(), String> {
    let folder = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let rustc = env::var_os("RUSTC").expect("cargo sets RUSTC");
    let mut command = Command::new(&rustc);
    command
        .args([
            "--edition",
            "2024",
            "-C",
            "panic=abort",
            "-C",
            "opt-level=s",
        ])
        .args([
            "-C",
            "lto=fat",
            "-C",
            "codegen-units=1",
            "-C",
            "strip=symbols",
        ])
        .args(options)
        .arg("-o")
        .arg(Path::new(&folder).join(output))
        .arg(source);
    let (target, host) = (env::var("TARGET"), env::var("HOST"));
    if let Ok(target) = &target
        && host.as_ref() != Ok(target)
    {
        command.args(["--target", target]);
    }
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut option = OsString::from("linker=");
        option.push(linker);
        command.arg("-C").arg(option);
    }
    let output = command
        .output()
        .map_err(|error| format!("{} cannot be started: {error}", rustc.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    // What the compiler says, and what its linker says.
    let said = (text.lines()).filter(|line| line.starts_with("error") || line.contains("ld: "));
    let said: Vec<&str> = said.take(3).map(str::trim).collect();
    Err(if said.is_empty() {
        "rustc failed".to_owned()
    } else {
        said.join("; ")
    })
}
