//! `Signature-Input`, `Signature` and `Content-Digest`: dictionaries of structured fields
//! (RFC 9651), as they were received and with nothing in them doubled.

use http::HeaderMap;
use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ParameterVisitor,
};
use sfv::{BareItemFromInput, Error, KeyRef, Parser};

/// Bounds on what is looked through pair by pair.
const MAX_MEMBERS: usize = 16;
const MAX_ITEMS: usize = 64;
const MAX_PARAMETERS: usize = 16;

/// The members of a dictionary in the order in which they came.
#[derive(Default)]
pub(super) struct Dictionary<'f>(Vec<(&'f str, Member<'f>)>);

pub(super) enum Member<'f> {
    Item(BareItemFromInput<'f>),
    InnerList(InnerList<'f>),
}

#[derive(Default)]
pub(super) struct InnerList<'f> {
    pub(super) items: Vec<(BareItemFromInput<'f>, Parameters<'f>)>,
    pub(super) parameters: Parameters<'f>,
}

#[derive(Default)]
pub(super) struct Parameters<'f>(pub(super) Vec<(&'f KeyRef, BareItemFromInput<'f>)>);

impl<'f> Dictionary<'f> {
    /// Parses all fields of that name as one dictionary; `None` if there is none.
    pub(super) fn parse(headers: &'f HeaderMap, name: &str) -> Result<Option<Self>, Error> {
        let mut dictionary = None;
        for field in headers.get_all(name) {
            let members = dictionary.get_or_insert_with(Self::default);
            Parser::new(field.as_bytes()).parse_dictionary_with_visitor(members)?;
        }
        Ok(dictionary)
    }

    pub(super) fn get(&self, label: &str) -> Option<&Member<'f>> {
        self.iter().find(|(of, _)| *of == label).map(|(_, member)| member)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&'f str, &Member<'f>)> {
        self.0.iter().map(|(label, member)| (*label, member))
    }
}

impl<'f> Parameters<'f> {
    pub(super) fn get(&self, key: &str) -> Option<&BareItemFromInput<'f>> {
        self.0.iter().find(|(of, _)| of.as_str() == key).map(|(_, value)| value)
    }
}

/// What the parser is told to stop at.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwanted {
    #[error("something stands there twice")]
    Doubled,
    #[error("there is too much of it")]
    TooMuch,
}

impl<'f> DictionaryVisitor<'f> for &mut Dictionary<'f> {
    type Out = ();
    type Error = Unwanted;

    fn entry(&mut self, key: &'f KeyRef) -> Result<impl EntryVisitor<'f>, Unwanted> {
        let label = key.as_str();
        if self.get(label).is_some() {
            return Err(Unwanted::Doubled);
        }
        Ok(Entry(push(&mut self.0, MAX_MEMBERS, (label, Member::Item(true.into())))?))
    }

    fn finish(self) -> Result<(), Unwanted> {
        Ok(())
    }
}

struct Entry<'m, 'f>(&'m mut (&'f str, Member<'f>));

impl<'f> EntryVisitor<'f> for Entry<'_, 'f> {
    type Error = Unwanted;

    fn item(self) -> Result<impl ItemVisitor<'f>, Unwanted> {
        Ok(|item| {
            self.0.1 = Member::Item(item);
            Ok::<_, Unwanted>(Ignored)
        })
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'f>, Unwanted> {
        self.0.1 = Member::InnerList(InnerList::default());
        match &mut self.0.1 {
            Member::InnerList(list) => Ok(list),
            Member::Item(_) => Err(Unwanted::TooMuch), // it was made a list just now
        }
    }
}

impl<'f> InnerListVisitor<'f> for &mut InnerList<'f> {
    type Error = Unwanted;

    fn item(&mut self) -> Result<impl ItemVisitor<'f>, Unwanted> {
        Ok(ListItem(&mut self.items))
    }

    fn finish(self) -> Result<impl ParameterVisitor<'f>, Unwanted> {
        Ok(&mut self.parameters)
    }
}

struct ListItem<'m, 'f>(&'m mut Vec<(BareItemFromInput<'f>, Parameters<'f>)>);

impl<'f> ItemVisitor<'f> for ListItem<'_, 'f> {
    type Out = ();
    type Error = Unwanted;

    fn bare_item(
        self,
        item: BareItemFromInput<'f>,
    ) -> Result<impl ParameterVisitor<'f, Out = ()>, Unwanted> {
        let (_, parameters) = push(self.0, MAX_ITEMS, (item, Parameters::default()))?;
        Ok(parameters)
    }
}

impl<'f> ParameterVisitor<'f> for &mut Parameters<'f> {
    type Out = ();
    type Error = Unwanted;

    fn parameter(&mut self, key: &'f KeyRef, value: BareItemFromInput<'f>) -> Result<(), Unwanted> {
        if self.get(key.as_str()).is_some() {
            return Err(Unwanted::Doubled);
        }
        push(&mut self.0, MAX_PARAMETERS, (key, value)).map(|_| ())
    }

    fn finish(self) -> Result<(), Unwanted> {
        Ok(())
    }
}

fn push<T>(list: &mut Vec<T>, most: usize, one: T) -> Result<&mut T, Unwanted> {
    match list.len() {
        0 => list.reserve(most.min(8)), // as many as there mostly are
        len if len >= most => return Err(Unwanted::TooMuch),
        _ => {}
    }
    list.push(one);
    list.last_mut().ok_or(Unwanted::TooMuch)
}
