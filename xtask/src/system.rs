//! System packages: installed only as root on Debian or Ubuntu, or with `--install`.

use crate::command::Run;
use std::path::Path;

/// Whether system packages may be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    Given,
    Withheld,
}

impl Consent {
    /// Consents if `--install` is given, or as root on a machine with apt: a container or a CI runner.
    pub(crate) fn from(arguments: &[String]) -> Self {
        let asked = arguments.iter().any(|argument| argument == "--install");
        if asked || (is_root() && Path::new("/usr/bin/apt-get").exists()) {
            Self::Given
        } else {
            Self::Withheld
        }
    }
}

/// Makes `program` available from Debian's `package`. Otherwise prints the command to type and returns false.
pub(crate) fn provide(program: &str, package: &str, consent: Consent) -> bool {
    if available(program) {
        return true;
    }
    if consent == Consent::Given && install(&[package]) && available(program) {
        return true;
    }
    eprintln!("`{program}` is missing: apt-get install {package}");
    false
}

/// Installs Debian packages.
pub(crate) fn install(packages: &[&str]) -> bool {
    let apt = |arguments: &[&str]| {
        Run::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").aside().run().is_ok()
    };
    let mut arguments = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    arguments.extend(packages);
    apt(&["update", "--quiet"]) && apt(&arguments)
}

fn available(program: &str) -> bool {
    Run::new("which").args([program]).output().is_some()
}

fn is_root() -> bool {
    Run::new("id").args(["-u"]).output().as_deref() == Some("0")
}
