//! Options that a command forwards to its program.

use crate::command::Failure;

/// Returns the program's options, in order: all except `--install`. `known` lists each option, and whether a value
/// follows.
pub(crate) fn forwarded<'a>(
    arguments: &'a [String],
    known: &[(&str, bool)],
    usage: &str,
) -> Result<Vec<&'a String>, Failure> {
    let refused = || Failure::Usage(usage.into());
    let mut passed = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match known.iter().find(|(name, _)| name == argument) {
            Some((_, takes_value)) => {
                passed.push(argument);
                if *takes_value {
                    let value = rest.next().filter(|value| !value.starts_with('-'));
                    passed.push(value.ok_or_else(refused)?);
                }
            }
            None if argument == "--install" => {}
            None => return Err(refused()),
        }
    }
    Ok(passed)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const KNOWN: &[(&str, bool)] = &[("--keep", false), ("--rows", true)];

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn options_are_passed_on_in_their_order() {
        let arguments = words("--install --rows 1,2 --keep --rows 3");
        assert_eq!(forwarded(&arguments, KNOWN, "").unwrap(), ["--rows", "1,2", "--keep", "--rows", "3"]);
        assert!(forwarded(&[], KNOWN, "").unwrap().is_empty());
    }

    #[test]
    fn refuses_wrong_arguments() {
        for line in ["--kep", "--rows", "--rows --keep", "1,2"] {
            let Err(Failure::Usage(text)) = forwarded(&words(line), KNOWN, "known") else { unreachable!("{line}") };
            assert_eq!(text, "known");
        }
    }
}
