//! Questions on the terminal, or answers from a script.

use std::io::{self, BufRead, Write};

/// Asks for the master password, twice if it is a new one.
pub(crate) fn ask(new: bool) -> Result<String, String> {
    let password = line("Enter KDC database master key: ")?;
    if new && line("Re-enter KDC database master key to verify: ")? != password {
        return Err("Password mismatch while reading master key from keyboard".to_owned());
    }
    Ok(password)
}

fn line(prompt: &str) -> Result<String, String> {
    print!("{prompt}");
    let _ = io::stdout().flush();
    let mut answer = String::new();
    // The lock's buffer is shared, so that the second question finds the second line.
    let read = io::stdin().lock().read_line(&mut answer);
    println!();
    match read {
        Ok(1..) => Ok(answer.trim_end_matches(['\n', '\r']).to_owned()),
        Ok(0) => Err("the master password is missing: give -P".to_owned()),
        Err(error) => Err(format!("{error} while reading master key from keyboard")),
    }
}

/// Asks for a confirmation.
pub(crate) fn yes(question: &str) -> bool {
    println!("{question}");
    print!("(type 'yes' to confirm)? ");
    let _ = io::stdout().flush();
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok() && answer.trim_end() == "yes"
}
