//! The command line after `test`.

use crate::command::Failure;

/// The duration of suites that could run indefinitely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tier {
    #[default]
    Short,
    Long,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(super) list: bool,
    pub(super) only: Vec<String>,
    pub(super) tier: Tier,
}

const USAGE: &str = "valid options: --list, --only NAME (repeatable), --long, --install";

impl Options {
    pub(super) fn read(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--list" => options.list = true,
                "--long" => options.tier = Tier::Long,
                "--install" => {}
                "--only" => match rest.next().filter(|name| !name.starts_with('-')) {
                    Some(name) => options.only.push(name.clone()),
                    None => return Err(Failure::Usage(USAGE.into())),
                },
                _ => return Err(Failure::Usage(USAGE.into())),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, Failure> {
        Options::read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_in_any_order() {
        let options = read("--only rust/model --long --install --only crash").unwrap();
        assert_eq!(options.only, ["rust/model", "crash"]);
        assert_eq!((options.tier, options.list), (Tier::Long, false));
        assert_eq!(read("").unwrap(), Options::default());
        assert!(read("--list").unwrap().list);
    }

    #[test]
    fn refuses_wrong_arguments() {
        for line in ["unit", "--only", "--only --long", "--onyl unit", "--list --short"] {
            assert!(matches!(read(line), Err(Failure::Usage(_))), "{line}");
        }
    }
}
