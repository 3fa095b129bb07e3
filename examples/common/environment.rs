//! Credentials in environment variables, which other users cannot see, unlike arguments.

use std::fmt::Display;
use std::str::FromStr;

use super::cli::{self, Failure};
use super::credentials::invalid;

/// Returns `USERNAME` and `PASSWORD`, if both are set and not empty.
pub fn username_and_password() -> Result<Option<(String, String)>, Failure> {
    let Some((name, password)) = variable("USERNAME")?.zip(variable("PASSWORD")?) else {
        return Ok(None);
    };
    for (variable, value) in [("USERNAME", &name), ("PASSWORD", &password)] {
        if is_quoted(value) {
            cli::print_to_stderr(format_args!(
                "hint: {variable} in the environment begins and ends with a quotation mark, which is \
                 part of the value; some env files must not have quotation marks"
            ));
        }
    }
    Ok(Some((name, password)))
}

/// Returns whether a value is in quotation marks, as from an env file whose reader keeps them.
fn is_quoted(value: &str) -> bool {
    ['"', '\'']
        .iter()
        .any(|&mark| value.len() > 1 && value.starts_with(mark) && value.ends_with(mark))
}

/// Returns the value of a flag or, without it, that of an environment variable.
pub fn flag_or_variable<T: FromStr + Clone>(
    flag: Option<&T>,
    name: &str,
) -> Result<Option<T>, Failure>
where
    T::Err: Display,
{
    if let Some(value) = flag {
        return Ok(Some(value.clone()));
    }
    variable(name)?.map(|value| value.parse()).transpose().map_err(invalid(name))
}

/// Returns an environment variable, if it is set and not empty.
pub fn variable(name: &str) -> Result<Option<String>, Failure> {
    let value = std::env::var_os(name).unwrap_or_default().into_string();
    let value = value
        .map_err(|_| Failure::usage(format!("{name} in the environment: expected UTF-8 text")))?;
    Ok(Some(value).filter(|value| !value.is_empty()))
}
