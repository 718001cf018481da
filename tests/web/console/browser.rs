//! A headless Chromium, driven by the DevTools protocol over pipes
//! (<https://chromedevtools.github.io/devtools-protocol/>).

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kerbox::ClientEnv;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{TestResult, Text, chromium};

type Answer = Result<Value, Box<dyn std::error::Error + Send + Sync>>;

/// The real time in which the browser answers, and in which the page comes to show something.
const LIMIT: Duration = Duration::from_secs(60);
const SHOWN: Duration = Duration::from_secs(20);

/// What keeps the browser from talking to others, and from asking questions.
const FLAGS: &str = "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync --disable-quic \
    --hide-scrollbars --force-color-profile=srgb --remote-debugging-pipe";

/// A browser with one page.
pub(super) struct Browser {
    process: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    next: u64,
    session: Option<String>,
    /// What the page complained about: exceptions, and violations of its security policy.
    pub(super) complaints: Vec<String>,
    /// The number of downloads that are complete.
    downloaded: usize,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser in a user's environment, which sends tickets to `localhost`.
    pub(super) fn start(env: &ClientEnv) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let profile = tempfile::tempdir()?;
        let program = chromium().ok_or("no Chromium")?;
        // The shell gives the pipes the numbers 3 and 4.
        let line = format!(
            "exec '{}' {FLAGS} --auth-server-allowlist=localhost --user-data-dir='{}' about:blank \
             3<&0 4>&1 < /dev/null > /dev/null 2>&1",
            program.display(),
            profile.path().display()
        );
        let mut command = Command::new("sh");
        command.args(["-c", &line]).env("HOME", profile.path());
        for (name, value) in env.iter() {
            command.env(name, value);
        }
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let to = process.stdin.take().ok_or("no pipe")?;
        let mut from = BufReader::new(process.stdout.take().ok_or("no pipe")?);
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while from
                .read_until(0, &mut message)
                .is_ok_and(|length| length > 0)
            {
                message.pop();
                let parsed = serde_json::from_slice(&message).unwrap_or_default();
                if sender.send(parsed).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let mut browser = Self {
            process,
            to,
            from: receiver,
            next: 0,
            session: None,
            complaints: Vec::new(),
            downloaded: 0,
            _profile: profile,
        };
        let page = browser.call("Target.createTarget", json!({"url": "about:blank"}))?;
        let attach = json!({"targetId": page["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach)?;
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "DOM"] {
            browser.call(&format!("{domain}.enable"), json!({}))?;
        }
        Ok(browser)
    }

    /// Calls a method of the protocol.
    pub(super) fn call(&mut self, method: &str, parameters: Value) -> Answer {
        self.next += 1;
        let mut message = json!({"id": self.next, "method": method});
        message["params"] = parameters;
        if let Some(session) = &self.session
            && !method.starts_with("Target.")
            && !method.starts_with("Browser.")
        {
            message["sessionId"] = session.as_str().into();
        }
        self.to.write_all(format!("{message}\0").as_bytes())?;
        self.to.flush()?;
        loop {
            let answer = self
                .from
                .recv_timeout(LIMIT)
                .map_err(|_| format!("the browser does not answer {method}"))?;
            if answer["id"] == self.next {
                return match answer.get("error") {
                    Some(error) => Err(format!("{method}: {error}").into()),
                    None => Ok(answer["result"].clone()),
                };
            }
            self.hear(&answer);
        }
    }

    /// Notes an event.
    fn hear(&mut self, event: &Value) {
        let said = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" => self.complaints.push(said["exceptionDetails"].to_string()),
            // A refusal of the server is none of the page's faults.
            "Log.entryAdded"
                if said["entry"]["level"] == "error" && said["entry"]["source"] != "network" =>
            {
                self.complaints.push(said["entry"].to_string());
            }
            "Browser.downloadProgress" if said["state"] == "completed" => self.downloaded += 1,
            _ => {}
        }
    }

    /// Evaluates an expression in the page, and waits for its promise.
    pub(super) fn eval(&mut self, expression: &str) -> Answer {
        let asked = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true,
            "userGesture": true,
        });
        let answer = self.call("Runtime.evaluate", asked)?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            let said = &thrown["exception"]["description"];
            return Err(format!("{expression}: {said}").into());
        }
        Ok(answer["result"]["value"].clone())
    }

    /// Waits until an expression is true, and returns its value.
    pub(super) fn until(&mut self, expression: &str) -> Answer {
        let limit = SHOWN.as_millis();
        let quoted = json!(expression);
        self.eval(&format!(
            "new Promise((done, fail) => {{ const end = Date.now() + {limit}; const look = () => {{ \
             let value; try {{ value = ({expression}); }} catch {{ }} if (value) done(value); \
             else if (Date.now() > end) fail(new Error('never ' + {quoted} + '; the page shows ' + \
             document.body?.innerText.slice(0, 2000))); else setTimeout(look, 20); }}; look(); }})"
        ))
    }

    /// Opens a URL, and waits for the view.
    pub(super) fn open(&mut self, url: &str) -> TestResult {
        self.call("Page.navigate", json!({"url": url}))?;
        self.until("document.readyState === 'complete'").map(drop)
    }

    /// Shows a view of the console.
    pub(super) fn view(&mut self, name: &str, path: &str) -> TestResult {
        self.eval(&format!(
            "(() => {{ const to = '#/{name}{path}'; if (location.hash === to) return; \
             delete document.querySelector('main').dataset.ready; location.hash = to; }})()"
        ))?;
        let ready = format!("document.querySelector('main').dataset.ready === '{name}'");
        self.until(&ready).map(drop)
    }

    /// Clicks what has exactly this text or label, once it is there.
    pub(super) fn click(&mut self, text: &str) -> TestResult {
        let text = json!(text);
        let find = format!(
            "[...document.querySelectorAll('dialog button, button, a, summary, label')].find((it) => \
             it.textContent.trim() === {text} || it.getAttribute('aria-label') === {text})"
        );
        self.until(&find.replace("find((it)", "some((it)"))?;
        self.eval(&format!("({find}).click()")).map(drop)
    }

    /// Waits until the page shows a text.
    pub(super) fn shows(&mut self, text: &str) -> TestResult {
        let text = json!(text);
        self.until(&format!("document.body.innerText.includes({text})"))
            .map(drop)
    }

    /// Writes into a field.
    pub(super) fn write(&mut self, selector: &str, text: &str) -> TestResult {
        let (selector, text) = (json!(selector), json!(text));
        self.until(&format!("!!document.querySelector({selector})"))?;
        self.eval(&format!(
            "(() => {{ const it = document.querySelector({selector}); it.value = {text}; \
             it.dispatchEvent(new Event('input', {{bubbles: true}})); \
             it.dispatchEvent(new Event('change', {{bubbles: true}})); }})()"
        ))
        .map(drop)
    }

    /// Chooses files, as a person does in the dialog.
    pub(super) fn choose(&mut self, selector: &str, file: &Path) -> TestResult {
        let root = self.call("DOM.getDocument", json!({}))?;
        let found = json!({"nodeId": root["root"]["nodeId"], "selector": selector});
        let node = self.call("DOM.querySelector", found)?;
        let files = json!({"nodeId": node["nodeId"], "files": [file]});
        self.call("DOM.setFileInputFiles", files).map(drop)
    }

    /// Lets downloads go into a folder, and returns how many were complete before.
    pub(super) fn download_into(
        &mut self,
        folder: &Path,
    ) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
        let behavior = json!({
            "behavior": "allow", "downloadPath": folder, "eventsEnabled": true,
        });
        self.call("Browser.setDownloadBehavior", behavior)?;
        Ok(self.downloaded)
    }

    /// Waits for the next complete download.
    pub(super) fn downloaded(&mut self, before: usize) -> TestResult {
        while self.downloaded == before {
            let event = self.from.recv_timeout(LIMIT).map_err(|_| "no download")?;
            self.hear(&event);
        }
        Ok(())
    }

    /// Sets the window's size in pixels, and the colours that the user prefers.
    pub(super) fn looks(&mut self, (width, height): (u32, u32), scheme: &str) -> TestResult {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.call("Emulation.setDeviceMetricsOverride", metrics)?;
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", media).map(drop)
    }

    /// Presses a key.
    pub(super) fn press(&mut self, key: &str) -> TestResult {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "text": key});
            self.call("Input.dispatchKeyEvent", event)?;
        }
        Ok(())
    }

    /// Writes a picture of the window into the folder that `KERBOX_SCREENSHOTS` names, if it does.
    pub(super) fn picture(&mut self, name: &str) -> TestResult {
        let Some(folder) = std::env::var_os("KERBOX_SCREENSHOTS") else {
            return Ok(());
        };
        let taken = self.call("Page.captureScreenshot", json!({"format": "png"}))?;
        let data = taken["data"].as_str().unwrap_or_default();
        let path = Path::new(&folder).join(format!("{name}.png"));
        std::fs::write(path, STANDARD.decode(data)?)?;
        Ok(())
    }

    /// Returns the text that an expression gives.
    pub(super) fn text(&mut self, expression: &str) -> Text {
        Ok(self
            .eval(expression)?
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its other processes end with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
