//! `Signature-Input`, `Signature` and `Content-Digest`: dictionaries of structured fields
//! (RFC 9651), as they were received and without duplicates.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName};
use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ParameterVisitor,
};
use sfv::{BareItemFromInput, Error, ItemSerializer, KeyRef, Parser};

/// Limits for lists that are searched linearly.
const MAX_MEMBERS: usize = 16;
const MAX_ITEMS: usize = 64;
const MAX_PARAMETERS: usize = 16;

/// The members of a dictionary in the order in which they came.
#[derive(Default)]
pub(crate) struct Dictionary<'f>(Vec<(&'f str, Member<'f>)>);

pub(crate) enum Member<'f> {
    Item(BareItemFromInput<'f>),
    InnerList(InnerList<'f>),
}

#[derive(Default)]
pub(crate) struct InnerList<'f> {
    pub(crate) items: Vec<(BareItemFromInput<'f>, Parameters<'f>)>,
    pub(crate) parameters: Parameters<'f>,
}

#[derive(Default)]
pub(crate) struct Parameters<'f>(pub(crate) Vec<(&'f KeyRef, BareItemFromInput<'f>)>);

impl<'f> Dictionary<'f> {
    /// Parses all fields of that name as one dictionary; `None` if there is none.
    pub(crate) fn parse(headers: &'f HeaderMap, name: &HeaderName) -> Result<Option<Self>, Error> {
        let mut dictionary = None;
        for field in headers.get_all(name) {
            let members = dictionary.get_or_insert_with(Self::default);
            Parser::new(field.as_bytes()).parse_dictionary_with_visitor(members)?;
        }
        Ok(dictionary)
    }

    pub(crate) fn get(&self, label: &str) -> Option<&Member<'f>> {
        self.iter().find(|(other, _)| *other == label).map(|(_, member)| member)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&'f str, &Member<'f>)> {
        self.0.iter().map(|(label, member)| (*label, member))
    }
}

impl<'f> IntoIterator for Dictionary<'f> {
    type Item = (&'f str, Member<'f>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl InnerList<'_> {
    /// Appends the strict form (RFC 9651 §4.1.1.1).
    pub(crate) fn serialize_into(&self, text: &mut String) {
        let mut before = "(";
        for (item, parameters) in &self.items {
            text.push_str(before);
            serialize_into(text, item);
            parameters.serialize_into(text);
            before = " ";
        }
        text.push_str(if self.items.is_empty() { "()" } else { ")" });
        self.parameters.serialize_into(text);
    }
}

fn serialize_into(text: &mut String, item: &BareItemFromInput<'_>) {
    match item {
        // It is borrowed from the field, so nothing in it was escaped there.
        BareItemFromInput::String(Cow::Borrowed(string)) => {
            text.extend(["\"", string.as_str(), "\""]);
        }
        other => _ = ItemSerializer::with_buffer(text).bare_item(other),
    }
}

impl<'f> Parameters<'f> {
    fn serialize_into(&self, text: &mut String) {
        for (key, value) in &self.0 {
            text.extend([";", key.as_str()]);
            if !matches!(value, BareItemFromInput::Boolean(true)) {
                text.push('=');
                serialize_into(text, value);
            }
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&BareItemFromInput<'f>> {
        self.0.iter().find(|(other, _)| other.as_str() == key).map(|(_, value)| value)
    }
}

/// A field that is a dictionary and is rejected all the same.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DictionaryError {
    #[error("duplicate dictionary key or parameter")]
    Duplicate,
    #[error("too many members, items or parameters")]
    TooLong,
}

impl<'f> DictionaryVisitor<'f> for &mut Dictionary<'f> {
    type Out = ();
    type Error = DictionaryError;

    fn entry(&mut self, key: &'f KeyRef) -> Result<impl EntryVisitor<'f>, DictionaryError> {
        let label = key.as_str();
        if self.get(label).is_some() {
            return Err(DictionaryError::Duplicate);
        }
        let member = (label, Member::Item(true.into()));
        Ok(Entry(push_bounded(&mut self.0, 1, MAX_MEMBERS, member)?))
    }

    fn finish(self) -> Result<(), DictionaryError> {
        Ok(())
    }
}

struct Entry<'m, 'f>(&'m mut (&'f str, Member<'f>));

impl<'f> EntryVisitor<'f> for Entry<'_, 'f> {
    type Error = DictionaryError;

    fn item(self) -> Result<impl ItemVisitor<'f>, DictionaryError> {
        Ok(|item| {
            self.0.1 = Member::Item(item);
            Ok::<_, DictionaryError>(Ignored)
        })
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'f>, DictionaryError> {
        self.0.1 = Member::InnerList(InnerList::default());
        match &mut self.0.1 {
            Member::InnerList(list) => Ok(list),
            Member::Item(_) => Err(DictionaryError::TooLong), // it was made a list just now
        }
    }
}

impl<'f> InnerListVisitor<'f> for &mut InnerList<'f> {
    type Error = DictionaryError;

    fn item(&mut self) -> Result<impl ItemVisitor<'f>, DictionaryError> {
        Ok(ListItem(&mut self.items))
    }

    fn finish(self) -> Result<impl ParameterVisitor<'f>, DictionaryError> {
        Ok(&mut self.parameters)
    }
}

struct ListItem<'m, 'f>(&'m mut Vec<(BareItemFromInput<'f>, Parameters<'f>)>);

impl<'f> ItemVisitor<'f> for ListItem<'_, 'f> {
    type Out = ();
    type Error = DictionaryError;

    fn bare_item(
        self,
        item: BareItemFromInput<'f>,
    ) -> Result<impl ParameterVisitor<'f, Out = ()>, DictionaryError> {
        let (_, parameters) = push_bounded(self.0, 8, MAX_ITEMS, (item, Parameters::default()))?;
        Ok(parameters)
    }
}

impl<'f> ParameterVisitor<'f> for &mut Parameters<'f> {
    type Out = ();
    type Error = DictionaryError;

    fn parameter(
        &mut self,
        key: &'f KeyRef,
        value: BareItemFromInput<'f>,
    ) -> Result<(), DictionaryError> {
        if self.get(key.as_str()).is_some() {
            return Err(DictionaryError::Duplicate);
        }
        push_bounded(&mut self.0, 8, MAX_PARAMETERS, (key, value)).map(|_| ())
    }

    fn finish(self) -> Result<(), DictionaryError> {
        Ok(())
    }
}

/// Appends an item to a list of at most `max` items. The first item reserves room for as many as the
/// list typically has.
fn push_bounded<T>(
    list: &mut Vec<T>,
    typical: usize,
    max: usize,
    item: T,
) -> Result<&mut T, DictionaryError> {
    if list.len() >= max {
        return Err(DictionaryError::TooLong);
    }
    if list.is_empty() {
        list.reserve_exact(typical);
    }
    list.push(item);
    list.last_mut().ok_or(DictionaryError::TooLong)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;
    use sfv::ListSerializer;

    use super::*;

    static NAME: HeaderName = HeaderName::from_static("signature-input");

    /// Returns what `with` makes of the member `sig` of a field, if that is an inner list.
    fn inner_list<T>(field: &str, with: impl FnOnce(&InnerList<'_>) -> T) -> Option<T> {
        let mut headers = HeaderMap::new();
        headers.insert(&NAME, HeaderValue::from_str(field).ok()?);
        match Dictionary::parse(&headers, &NAME).ok()??.get("sig")? {
            Member::InnerList(list) => Some(with(list)),
            Member::Item(_) => None,
        }
    }

    fn strict(list: &InnerList<'_>) -> String {
        let mut text = String::new();
        list.serialize_into(&mut text);
        text
    }

    /// The same by `sfv` alone.
    fn strict_by_sfv(list: &InnerList<'_>) -> String {
        let mut text = String::new();
        let mut serializer = ListSerializer::with_buffer(&mut text);
        let mut inner = serializer.inner_list();
        for (item, parameters) in &list.items {
            let parameters = parameters.0.iter().map(|(key, value)| (*key, value));
            let _ = inner.bare_item(item).parameters(parameters);
        }
        let parameters = list.parameters.0.iter().map(|(key, value)| (*key, value));
        let _ = inner.finish().parameters(parameters);
        text
    }

    #[test]
    fn every_kind_of_item_is_serialized_strictly() {
        for (sent, expected) in [
            ("()", "()"),
            ("(  )", "()"),
            ("( \"a\"   \"b\" )", "(\"a\" \"b\")"),
            ("(\"a\";  x;y=?1 b);  z=?0", "(\"a\";x;y b);z=?0"),
            (
                r#"("");a="\"";b="\\";c="a\"b\\";d="\\\"""#,
                r#"("");a="\"";b="\\";c="a\"b\\";d="\\\"""#,
            ),
            ("();a=007;b=-0;c=-05;d=999999999999999", "();a=7;b=0;c=-5;d=999999999999999"),
            ("();a=1.50;b=-0.0;c=01.5;d=1.234", "();a=1.5;b=0.0;c=1.5;d=1.234"),
            ("();a=*t/o:k;b=A", "();a=*t/o:k;b=A"),
            ("();a=:aGk=:;b=::", "();a=:aGk=:;b=::"),
            ("();a=@01;b=@-1", "();a=@1;b=@-1"),
            ("();a=%\"a%22%c3%a9%25\";b=%\"%61\"", "();a=%\"a%22%c3%a9%25\";b=%\"a\""),
        ] {
            let field = format!("sig={sent}");
            assert_eq!(inner_list(&field, strict).as_deref(), Some(expected), "{sent}");
            assert_eq!(inner_list(&field, strict_by_sfv).as_deref(), Some(expected), "{sent}");
        }
    }

    fn item() -> impl Strategy<Value = String> {
        prop_oneof![
            r#""([ !#-\[\]-~]|\\\\|\\"){0,12}""#,
            "-?[0-9]{1,15}",
            "-?[0-9]{1,12}\\.[0-9]{1,3}",
            "[a-zA-Z*][a-zA-Z0-9!#$%&'*+.^_`|~:/-]{0,8}",
            ":([a-zA-Z0-9+/]{4}){0,3}:",
            "\\?[01]",
            "@-?[0-9]{1,15}",
            "%\"([ !#$&-~]|%2[0-9a-f]|%c3%a9){0,8}\"",
        ]
    }

    /// Parameters with different keys, and with white space where it is allowed.
    fn parameters() -> impl Strategy<Value = String> {
        let one = (" {0,2}", prop::option::of(item()));
        prop::collection::vec(one, 0..4).prop_map(|all| {
            let text = |(at, (space, value)): (usize, (String, Option<String>))| {
                let value = value.map(|value| format!("={value}")).unwrap_or_default();
                format!(";{space}k{at}{value}")
            };
            all.into_iter().enumerate().map(text).collect()
        })
    }

    proptest! {
        #[test]
        fn generated_lists_are_serialized_as_by_sfv(
            items in prop::collection::vec((item(), parameters(), " {1,3}"), 0..6),
            last in parameters(),
        ) {
            let items = items.iter().map(|(item, parameters, space)| {
                format!("{item}{parameters}{space}")
            });
            let field = format!("sig=( {}){last}", items.collect::<String>());
            let once = inner_list(&field, strict);
            prop_assert!(once.is_some(), "{field}");
            prop_assert_eq!(&once, &inner_list(&field, strict_by_sfv));
            let twice = once.as_ref().and_then(|once| inner_list(&format!("sig={once}"), strict));
            prop_assert_eq!(&twice, &once, "it is strict already");
        }

        #[test]
        fn arbitrary_fields_are_serialized_as_by_sfv(text in r#"[ -~]{0,40}|\([ "\\a;=1?%@:)]{0,20}\)[;a-c="\\ 0-9.@:%]{0,20}"#) {
            let field = format!("sig={text}");
            prop_assert_eq!(inner_list(&field, strict), inner_list(&field, strict_by_sfv));
        }
    }
}
