//! Pages: a token says where the next one begins, and belongs to the question it was given for.
use std::hash::{DefaultHasher, Hash, Hasher};

use super::reply::Failure;
use super::settings::{Settings, Switch};
use super::wire::{Request, Service};

/// One page and the token of the next.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<String>,
}

/// Cuts the page out of `all` that the request asks for.
pub(super) fn page<T>(settings: &Settings, request: &Request, all: Vec<T>) -> Result<Page<T>, Failure> {
    let (size_field, token_field, default, most) = match request.service {
        Service::Organizations => ("MaxResults", "NextToken", 20, 20),
        Service::Iam => ("MaxItems", "Marker", 100, 1000),
        _ => ("MaxResults", "NextToken", 100, 100),
    };
    let size = request.optional_number(size_field)?.unwrap_or(default);
    if !(1..=most).contains(&size) {
        let reason = format!("{size_field} must be between 1 and {most}, not {size}");
        return Err(Failure::invalid(request.service, &reason));
    }
    let size = usize::try_from(size).unwrap_or(1);
    let size = settings.page_size.map_or(size, |most| size.min(most.max(1)));
    let question = question(request, token_field);
    let (start, gap) = match request.optional_text(token_field)? {
        None => (0, settings.is_on(Switch::EmptyFirstPages) && request.service == Service::Organizations),
        Some(token) => place(token, &question)
            .ok_or_else(|| Failure::invalid(request.service, "The provided pagination token is not valid"))?,
    };
    if gap {
        // Organizations does this: an empty page, and a token that says to go on.
        return Ok(Page { items: Vec::new(), next: Some(format!("page-{start}-{question}")) });
    }
    let more = all.len() > start + size;
    let kind = if request.service == Service::Organizations { "gap" } else { "page" };
    let next = more.then(|| format!("{kind}-{}-{question}", start + size));
    Ok(Page { items: all.into_iter().skip(start).take(size).collect(), next })
}

fn place(token: &str, question: &str) -> Option<(usize, bool)> {
    let mut parts = token.split('-');
    let gap = match parts.next()? {
        "page" => false,
        "gap" => true,
        _ => return None,
    };
    let start = parts.next()?.parse().ok()?;
    (parts.next() == Some(question)).then_some((start, gap))
}

fn question(request: &Request, token_field: &str) -> String {
    let mut hasher = DefaultHasher::new();
    request.operation.hash(&mut hasher);
    for (name, value) in request.fields.iter().filter(|(name, _)| *name != token_field) {
        (name, value.to_string()).hash(&mut hasher);
    }
    format!("{:x}", hasher.finish())
}
