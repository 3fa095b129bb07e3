//! Reading of one whole answer.

use std::ops::Range;

use serde_json::value::RawValue;

use super::super::id::Id;
use super::super::json::{Members, name_of};
use super::super::json_rpc::{batch, error};
use super::super::target::{Target, TargetKind};
use super::edits::Edits;
use super::error::ListError;

const MEMBERS: [&str; 6] =
    ["tools", "prompts", "resources", "resourceTemplates", "cacheScope", "ttlMs"];
const LISTS: [TargetKind; 4] =
    [TargetKind::Tool, TargetKind::Prompt, TargetKind::Resource, TargetKind::ResourceTemplate];
const CACHE_SCOPE: usize = 4;
const TTL: usize = 5;

/// The parts of a message of a server that only some principals are shown: the elements of its lists, or the resource
/// of which it is the update.
#[derive(Debug)]
pub(crate) struct Lists<'t> {
    text: &'t str,
    lists: Vec<List<'t>>,
    targets: Vec<Target<'t>>,
    is_update: bool,
}

/// One result that is a list, or one of its lists.
#[derive(Debug)]
struct List<'t> {
    elements: Vec<Element>,
    /// The member of the result that says who may keep the list in a cache.
    cache_scope: Option<&'t RawValue>,
    ttl: Option<&'t RawValue>,
}

#[derive(Debug)]
struct Element {
    part: Range<usize>,
    /// The index of its target; `None` if it has no name that can be read.
    target: Option<usize>,
}

impl<'t> Lists<'t> {
    /// Reads an answer: one message or an array of messages.
    pub(crate) fn read(answer: &'t [u8]) -> Result<Self, ListError> {
        let text = str::from_utf8(answer).map_err(|_| ListError::NotUtf8)?;
        let mut lists = Self { text, lists: Vec::new(), targets: Vec::new(), is_update: false };
        if text.trim_ascii_start().starts_with('[') {
            let messages: Vec<&RawValue> =
                serde_json::from_str(text).map_err(|_| ListError::NotAMessage)?;
            messages.into_iter().try_for_each(|message| lists.read_message(message.get()))?;
        } else {
            lists.read_message(text)?;
            lists.read_update()?;
        }
        Ok(lists)
    }

    /// Reads the update of a resource, the only notification that has a target.
    fn read_update(&mut self) -> Result<(), ListError> {
        let message = Members::read(&["method", "params"], self.text);
        let message = message.ok_or(ListError::NotAMessage)?;
        let method = message.get(0)?.and_then(name_of);
        if method.as_deref() != Some("notifications/resources/updated") {
            return Ok(());
        }
        self.is_update = true;
        let params = message.get(1)?.and_then(|params| Members::read(&["uri"], params.get()));
        if let Some(params) = params {
            let uri = params.get(0)?.and_then(name_of);
            self.targets.extend(uri.map(Target::resource));
        }
        Ok(())
    }

    fn read_message(&mut self, message: &'t str) -> Result<(), ListError> {
        let message = Members::read(&["result"], message).ok_or(ListError::NotAMessage)?;
        match message.get(0)? {
            Some(result) if result.get().starts_with('{') => self.read_result(result.get()),
            _ => Ok(()),
        }
    }

    fn read_result(&mut self, result: &'t str) -> Result<(), ListError> {
        let result = Members::read(&MEMBERS, result).ok_or(ListError::NotAMessage)?;
        result.check()?;
        let (mut cache_scope, mut ttl) = (result.get(CACHE_SCOPE)?, result.get(TTL)?);
        for (index, kind) in LISTS.into_iter().enumerate() {
            let Some(list) = result.get(index)?.filter(|list| list.get().starts_with('[')) else {
                continue;
            };
            let elements: Vec<&RawValue> =
                serde_json::from_str(list.get()).map_err(|_| ListError::NotAMessage)?;
            let elements = elements.into_iter().map(|element| self.element(kind, element));
            let elements = elements.collect();
            // Once, if a result has several lists.
            let (cache_scope, ttl) = (cache_scope.take(), ttl.take());
            self.lists.push(List { elements, cache_scope, ttl });
        }
        Ok(())
    }

    fn element(&mut self, kind: TargetKind, element: &'t RawValue) -> Element {
        let target = name(kind, element.get()).map(|name| {
            self.targets.push(name);
            self.targets.len() - 1
        });
        Element { part: self.part(element), target }
    }

    /// Returns where a value is in the text.
    fn part(&self, value: &RawValue) -> Range<usize> {
        let start = value.get().as_ptr().addr() - self.text.as_ptr().addr();
        start..start + value.get().len()
    }

    /// Returns whether there is nothing to decide about.
    pub(crate) fn is_empty(&self) -> bool {
        self.lists.is_empty() && !self.is_update
    }

    /// Returns whether it is the update of a resource, which is shown as it is or not at all.
    pub(crate) fn is_update(&self) -> bool {
        self.is_update
    }

    /// Returns the elements of all lists that have a name.
    pub(crate) fn targets(&self) -> &[Target<'t>] {
        &self.targets
    }

    /// Returns the answer with only those of the [`targets`](Self::targets) that are visible. `None` if it is the
    /// same as before.
    ///
    /// Elements without a name are not visible, nor are targets about which `visible` says nothing. A shared cache
    /// may keep the answer for every principal unless it is private, so it becomes private.
    pub(crate) fn filtered(&self, visible: &[bool]) -> Option<Vec<u8>> {
        let mut edits = Edits::default();
        for list in &self.lists {
            list.cut_elements(&mut edits, |element| {
                element.target.is_some_and(|target| visible.get(target) == Some(&true))
            });
            match (list.cache_scope, list.ttl) {
                (Some(scope), _) if scope.get() == r#""private""# => {}
                (Some(scope), _) => edits.replace(self.part(scope), r#""private""#),
                // The default is `public`.
                (None, Some(ttl)) => {
                    let end = self.part(ttl).end;
                    edits.replace(end..end, r#","cacheScope":"private""#);
                }
                (None, None) => {}
            }
        }
        if edits.is_empty() { None } else { Some(edits.apply(self.text)) }
    }
}

impl Lists<'_> {
    /// Returns an answer that has this error in place of each message of this one.
    pub(crate) fn replaced_by_error(&self, code: i32, message: &str) -> Vec<u8> {
        let error_for = |text: &str| {
            let members = Members::read(&["id"], text);
            let id = members.as_ref().and_then(|members| members.get(0).ok()?);
            error(id.map_or(Id::NULL, |id| Id::new(id.get())), code, message)
        };
        let answer = match serde_json::from_str::<Vec<&RawValue>>(self.text) {
            Ok(messages) => {
                let errors: Vec<_> =
                    messages.into_iter().map(|message| error_for(message.get())).collect();
                batch(&errors)
            }
            Err(_) => error_for(self.text),
        };
        answer.into_bytes()
    }
}

impl List<'_> {
    /// Cuts elements out, each with the separator before it, or with the one after it if none is kept before it.
    fn cut_elements(&self, edits: &mut Edits, is_kept: impl Fn(&Element) -> bool) {
        let elements = &self.elements;
        let first_kept = elements.iter().position(&is_kept);
        match (elements.as_slice(), first_kept) {
            ([], _) | (_, Some(0)) => {}
            ([first, ..], Some(kept)) => edits.cut(first.part.start..elements[kept].part.start),
            ([first, ..], None) => {
                edits.cut(first.part.start..elements[elements.len() - 1].part.end);
                return;
            }
        }
        for pair in elements[first_kept.unwrap_or(0)..].windows(2) {
            if !is_kept(&pair[1]) {
                edits.cut(pair[0].part.end..pair[1].part.end);
            }
        }
    }
}

/// Returns what an element is, if it has one name that every client reads in the same way.
fn name(kind: TargetKind, element: &str) -> Option<Target<'_>> {
    let member = match kind {
        TargetKind::Resource => &["uri"],
        TargetKind::ResourceTemplate => &["uriTemplate"],
        _ => &["name"],
    };
    let name = Members::read(member, element)?.get(0).ok()??;
    Some(Target::new(kind, name_of(name)?))
}
