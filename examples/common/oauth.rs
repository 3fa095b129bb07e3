//! OAuth: access tokens of authorization servers, for the resource that a server is.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use http::Uri;
use mcp_auth_layer::Jwt;
use mcp_auth_layer::auth::{AuthenticatorExt, BoxAuthenticator, Host, Scope};
use mcp_auth_layer::layer::Resource;
use mcp_auth_layer::schemes::{ClientSecret, Introspection, OAuthConfigError};
use mcp_auth_layer::signals::LogoutTokens;

use super::cli::Failure;
use super::credentials::{NamedSecret, invalid};
use super::environment::flag_or_variable;

/// The flags for OAuth.
#[derive(clap::Args)]
pub struct OAuthArgs {
    /// The issuer of OAuth access tokens, such as https://id.example.com; can be repeated. Clients find
    /// its login by themselves
    #[arg(long = "oauth-issuer", value_name = "URL")]
    issuers: Vec<String>,
    /// The URL of this server, as its users configure it [default: the address that it listens on]
    #[arg(long = "oauth-resource", value_name = "URL", requires = "issuers", value_parser = NonEmptyStringValueParser::new())]
    resource: Option<String>,
    /// The audience of the access tokens, if it is not the URL of this server; can be repeated
    #[arg(long = "oauth-audience", value_name = "AUDIENCE", requires = "issuers", value_parser = NonEmptyStringValueParser::new())]
    audiences: Vec<String>,
    /// A scope that every request needs, whatever its credential; can be repeated
    #[arg(long = "oauth-scope", value_name = "SCOPE", requires = "issuers")]
    scopes: Vec<Scope>,
    /// A file with the keys of the issuer (a JWK set), instead of those that it publishes; reloaded when it
    /// changes
    #[arg(long = "oauth-jwks", value_name = "FILE", requires = "issuers")]
    jwks: Option<PathBuf>,
    /// Where the issuer verifies access tokens that are not JWTs (RFC 7662)
    #[arg(long = "oauth-introspect", value_name = "URL", requires = "issuers")]
    introspect: Option<String>,
    /// This server's client ID and secret for --oauth-introspect [default: OAUTH_CLIENT in the environment]
    #[arg(long = "oauth-client", value_name = "ID:SECRET", requires = "introspect")]
    client: Option<NamedSecret>,
}

/// A server as an OAuth resource.
pub struct OAuth {
    /// The schemes that verify its access tokens.
    pub schemes: Vec<BoxAuthenticator>,
    pub resource: Resource,
    pub scopes: Vec<Scope>,
    /// The host of the resource.
    pub host: Option<Host>,
}

impl OAuthArgs {
    pub fn is_configured(&self) -> bool {
        !self.issuers.is_empty()
    }

    /// Returns the logout tokens of the first issuer for this client. There is an issuer.
    pub fn logout_tokens(&self, client: &str) -> Result<LogoutTokens, OAuthConfigError> {
        let issuer = self.issuers.first().map(String::as_str).unwrap_or_default();
        match &self.jwks {
            Some(file) => LogoutTokens::with_key_file(issuer, client, file),
            None => LogoutTokens::discover(issuer, client),
        }
    }

    /// Returns what the flags say of a server that listens at this URL.
    pub fn at(self, url: &str) -> Result<Option<OAuth>, Failure> {
        let Some((first, others)) = self.issuers.split_first() else { return Ok(None) };
        if !others.is_empty() && (self.jwks.is_some() || self.introspect.is_some()) {
            let line = "--oauth-jwks and --oauth-introspect are for one --oauth-issuer only";
            return Err(Failure::usage(line));
        }
        let url = self.resource.as_deref().unwrap_or(url);
        let audiences = match &*self.audiences {
            [] => vec![url.to_owned()],
            audiences => audiences.to_vec(),
        };
        let mut schemes = Vec::new();
        for issuer in &self.issuers {
            schemes.push(self.jwts(issuer, &audiences)?.boxed());
        }
        if let Some(endpoint) = &self.introspect {
            schemes.push(self.opaque_tokens(first, &audiences, endpoint)?.boxed());
        }

        let mut resource = Resource::new(url, first).map_err(invalid("--oauth-resource"))?;
        for issuer in others {
            resource = resource.authorization_server(issuer).map_err(invalid("--oauth-issuer"))?;
        }
        let resource = resource.scopes_supported(&self.scopes).map_err(invalid("--oauth-scope"))?;
        let host = url.parse::<Uri>().ok().and_then(|url| url.authority()?.as_str().parse().ok());
        Ok(Some(OAuth { schemes, resource, scopes: self.scopes, host }))
    }

    fn jwts(&self, issuer: &str, audiences: &[String]) -> Result<Jwt, Failure> {
        let audience = &*audiences[0];
        let jwts = match &self.jwks {
            Some(file) => Jwt::with_key_file(issuer, audience, file),
            None => Jwt::discover(issuer, audience),
        };
        let jwts = jwts.map_err(|error| match error {
            OAuthConfigError::Keys(_) => invalid("--oauth-jwks")(error),
            _ => invalid("--oauth-issuer")(error),
        })?;
        Ok(audiences[1..].iter().fold(jwts, |jwts, other| jwts.audience(&**other)))
    }

    fn opaque_tokens(
        &self,
        issuer: &str,
        audiences: &[String],
        endpoint: &str,
    ) -> Result<Introspection, Failure> {
        let Some(client) = flag_or_variable(self.client.as_ref(), "OAUTH_CLIENT")? else {
            let line =
                "--oauth-introspect needs --oauth-client, or OAUTH_CLIENT in the environment";
            return Err(Failure::usage(line));
        };
        let client = ClientSecret::new(client.name, client.secret);
        let tokens = Introspection::new(issuer, &*audiences[0], endpoint, client);
        let tokens = tokens.map_err(invalid("--oauth-introspect"))?.opaque_only();
        Ok(audiences[1..].iter().fold(tokens, |tokens, other| tokens.audience(&**other)))
    }
}
