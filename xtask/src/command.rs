//! Runs other programs, shows their output and names their failures.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The reason that a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line is wrong.
    Usage(String),
    /// Something is missing on this machine; the text says what to install.
    Missing(String),
    /// A program ended with a failure.
    Program { name: String, status: String },
    /// Tests failed, or were skipped unexpectedly.
    Tests(String),
    /// A step ended in a panic.
    Step(&'static str),
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Missing(text) | Self::Tests(text) => formatter.write_str(text),
            Self::Step(name) => write!(formatter, "{name} ended early: this is a bug in xtask"),
            Self::Program { name, status } => write!(formatter, "{name} failed ({status})"),
        }
    }
}

/// A program about to be run.
pub(crate) struct Run {
    program: OsString,
    arguments: Vec<OsString>,
    folder: Option<PathBuf>,
    environment: Vec<(OsString, OsString)>,
    is_aside: bool,
}

impl Run {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_os_string(),
            arguments: Vec::new(),
            folder: None,
            environment: Vec::new(),
            is_aside: false,
        }
    }

    pub(crate) fn args<I: IntoIterator<Item = A>, A: AsRef<OsStr>>(mut self, arguments: I) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_os_string()));
        self
    }

    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_path_buf());
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), value.as_ref().to_os_string()));
        self
    }

    /// Prints to standard error: standard output is for results, such as figures.
    pub(crate) fn aside(mut self) -> Self {
        self.is_aside = true;
        self
    }

    /// Runs it to completion with this process's input and output.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let name = self.name();
        let status = self.command().status().map_err(|error| Self::absent(&name, &error))?;
        if status.success() {
            Ok(())
        } else {
            Err(Failure::Program { name, status: status.to_string() })
        }
    }

    /// Runs it concurrently with others: returns its output, and shows it in one piece if it fails.
    pub(crate) fn captured(self) -> Result<String, Failure> {
        let name = self.name();
        let output = self.command().stdin(Stdio::null()).output().map_err(|error| Self::absent(&name, &error))?;
        let text = both(&output);
        if output.status.success() {
            return Ok(text);
        }
        eprint!("{text}");
        Err(Failure::Program { name, status: output.status.to_string() })
    }

    /// Runs it concurrently with others: returns whether it succeeded, and everything it printed.
    pub(crate) fn ended(self) -> (bool, String) {
        let name = self.name();
        match self.command().stdin(Stdio::null()).output() {
            Ok(output) => (output.status.success(), both(&output)),
            Err(error) => (false, Self::absent(&name, &error).to_string()),
        }
    }

    /// Runs it silently; returns its standard output if it succeeded.
    pub(crate) fn output(self) -> Option<String> {
        let output = self.command().stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        if self.is_aside {
            command.stdout(std::io::stderr());
        }
        command
    }

    fn name(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.arguments).take(4);
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    fn absent(name: &str, error: &std::io::Error) -> Failure {
        let program = name.split(' ').next().unwrap_or(name);
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                Failure::Missing(format!("`{program}` is not installed, or not on the PATH"))
            }
            _ => Failure::Missing(format!("`{program}` could not be started: {error}")),
        }
    }
}

/// Standard output, then standard error.
fn both(output: &Output) -> String {
    let [said, complained] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    format!("{said}{complained}")
}
