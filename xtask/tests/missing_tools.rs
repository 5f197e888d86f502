//! A missing tool or a wrong command line: prints one sentence with the remedy and starts nothing.

#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[test]
fn without_node() {
    for command in [&["build"][..], &["demo"], &["demo", "--tour"], &["test"], &["keycloak"], &["matrix"], &["bench"]] {
        let output = xtask(command, Path::new("/nonexistent"));
        assert_eq!(sentence(&output), "xtask: `node` is not installed, or not on the PATH: install Node 20 or newer, with npm (https://nodejs.org)");
    }
}

#[test]
fn with_an_old_node() {
    let folder = tools("old-node", &[("node", "echo v18.20.4")]);
    assert_eq!(
        sentence(&xtask(&["build"], &folder)),
        "xtask: Node 20 or newer is needed, this is v18.20.4: https://nodejs.org"
    );
}

#[test]
fn without_npm() {
    let folder = tools("no-npm", &[("node", "echo v20.0.0")]);
    assert_eq!(
        sentence(&xtask(&["test"], &folder)),
        "xtask: `npm` is not installed, or not on the PATH: install Node 20 or newer, with npm (https://nodejs.org)"
    );
}

#[test]
fn wrong_commands_and_options() {
    for (command, hint) in [
        (&["dmeo"][..], "unknown command"),
        (&["demo", "--tuor"], "valid options: --tour --install"),
        (&["build", "--install"], "build takes no options"),
        (&["test", "tuor"], "valid options: --list, --only NAME (repeatable), --long, --install"),
        (&["test", "--only", "tuor"], "unknown suite; the suites follow"),
        (
            &["keycloak", "--kep"],
            "valid options: --short, --rows N,N, --round all|no-push|no-poll, --actions N, --keep",
        ),
        (&["matrix", "--shrt"], "valid options: --short, --only NAME, --list, --install"),
        (&["matrix", "--only"], "valid options: --short, --only NAME, --list, --install"),
        (&["bench", "--jsn"], "bench takes one NAME and --json"),
        (&["bench", "a", "b"], "bench takes one NAME and --json"),
        (&["bench", "--against"], "bench takes one NAME and --json"),
        (&["bench", "--bar", "3"], "bench takes one NAME and --json"),
    ] {
        let output = xtask(command, Path::new("/nonexistent"));
        assert!(!output.status.success());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with(&format!("xtask: {hint}")), "{command:?}: {text}");
        assert!(!text.contains("tuor") && !text.contains("panicked"), "{text}");
    }
    assert!(xtask(&["help"], Path::new("/nonexistent")).status.success());
}

/// Returns the single line printed before the failure.
fn sentence(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().to_owned()
}

/// Runs a command with `path` as its PATH.
fn xtask(arguments: &[&str], path: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).env("PATH", path).output().unwrap()
}

/// Creates a folder with shell scripts of these names.
fn tools(name: &str, scripts: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    for (tool, script) in scripts {
        let file = folder.join(tool);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}
