//! Says what a policy file decides about a call, and which rule does.
//!
//!     cargo run --example policy -- policy.toml --as ci tools/call search
//!     cargo run --example policy -- policy.toml --as ci --scope tools:write tools/call write_file
//!
//! The exit status is 0 if the call is allowed, 1 if it is refused, and 2 if it cannot be decided, as the
//! file or the arguments are invalid. What in the file is probably not meant is printed to stderr.

mod common;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use common::cli::{self, Failure};
use mcp_auth_layer::Principal;
use mcp_auth_layer::policy::{Call, Explanation, Policy, PolicyFile, Target, TargetKind};

/// Says what a policy file decides about a call, and which rule does
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The policy file
    file: PathBuf,
    /// The name of the principal that makes the call
    #[arg(long = "as", value_name = "NAME")]
    name: String,
    /// The issuer of the name, such as https://id.example.com
    #[arg(long)]
    issuer: Option<String>,
    /// A scope of its credential (repeatable)
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A role of the principal, beside those of the file (repeatable)
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// The method, such as tools/call
    method: String,
    /// What the call uses: the name of a tool or a prompt, or the URI of a resource. Several resources for
    /// subscriptions/listen
    names: Vec<String>,
}

fn main() -> ExitCode {
    match cli::parse::<Args>().and_then(|args| explain(&args)) {
        Ok(explanation) => {
            cli::print(&explanation);
            if explanation.is_allowed() { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(failure) => cli::exit(Err(failure)),
    }
}

fn explain(args: &Args) -> Result<Explanation, Failure> {
    // Opened as a server does it: with its permissions checked.
    PolicyFile::open(&args.file).map_err(Failure::usage)?;
    let text = std::fs::read_to_string(&args.file).map_err(Failure::usage)?;
    let (policy, warnings) = Policy::from_toml(&text).map_err(Failure::usage)?;
    for warning in warnings {
        cli::print_to_stderr(format_args!("warning: {warning}"));
    }
    let mut principal =
        Principal::new(&args.name).with_scopes(&args.scopes).with_roles(&args.roles);
    if let Some(issuer) = &args.issuer {
        principal = principal.issued_by(issuer);
    }
    Ok(policy.explain(&principal, &call(args)?))
}

fn call(args: &Args) -> Result<Call<'_>, Failure> {
    let call = Call::new(&*args.method);
    let kind = match (&*args.method, &*args.names) {
        ("subscriptions/listen", _) => Some(TargetKind::Resource),
        ("completion/complete", [name]) if name.contains("://") => {
            Some(TargetKind::ResourceTemplate)
        }
        ("completion/complete", _) => Some(TargetKind::Prompt),
        (method, _) => TargetKind::of_method(method),
    };
    let expected = match (kind, &*args.method, args.names.len()) {
        (Some(_), "subscriptions/listen", _) | (Some(_), _, 1) | (None, _, 0) => None,
        // The rules for tasks are those for their methods.
        (Some(TargetKind::Task), _, 0) => None,
        (Some(kind), ..) => Some(format!("expected one {kind} after the method")),
        (None, ..) => Some("the method uses nothing that has a name".to_owned()),
    };
    if let Some(expected) = expected {
        return Err(Failure::usage(expected));
    }
    let targets = kind
        .into_iter()
        .flat_map(|kind| args.names.iter().map(move |name| Target::new(kind, name.as_str())));
    Ok(targets.fold(call, Call::with_target))
}
