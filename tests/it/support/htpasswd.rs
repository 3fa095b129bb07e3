//! Lines that the real `htpasswd` created (`tests/fixtures/make-htpasswd`): the tests do not need it.

const LINES: &str = include_str!("../../fixtures/htpasswd.tsv");

/// The output of `htpasswd -nb OPTIONS` for this name and password.
pub fn htpasswd(options: &str, user: &str, password: &str) -> String {
    let hash = LINES.lines().find_map(|line| {
        let mut fields = line.split('\t');
        let is_meant = fields.next() == Some(options) && fields.next() == Some(password);
        fields.next().filter(|_| is_meant)
    });
    let hash =
        hash.unwrap_or_else(|| panic!("no line for {options:?} {password:?}: see make-htpasswd"));
    format!("{user}:{hash}")
}

/// The options and password of every bcrypt line in the fixtures.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let fields = LINES.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    fields.filter(|fields| fields[0].starts_with("-B")).map(|fields| (fields[0], fields[1]))
}
