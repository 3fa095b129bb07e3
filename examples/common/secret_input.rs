//! Secrets on standard input: other users can see arguments.

use std::io::{self, IsTerminal};

use super::cli::Failure;

/// Reads a secret from the terminal, without an echo, or else the first line of standard input.
pub fn read_secret(name: &str) -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        return prompt(name, &format!("{name}: "));
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(unreadable(name))?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

/// Reads a new secret: twice from a terminal, as a typing error would not be seen.
pub fn read_new_secret(name: &str) -> Result<String, Failure> {
    let secret = read_secret(name)?;
    if io::stdin().is_terminal() && prompt(name, &format!("repeat the {name}: "))? != secret {
        return Err(Failure::usage(format!("the {name}s are different")));
    }
    Ok(secret)
}

fn prompt(name: &str, text: &str) -> Result<String, Failure> {
    rpassword::prompt_password(text).map_err(unreadable(name))
}

fn unreadable(name: &str) -> impl Fn(io::Error) -> Failure {
    move |error| Failure::work(format!("cannot read the {name}: {error}"))
}
