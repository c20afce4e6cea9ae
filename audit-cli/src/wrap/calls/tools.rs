//! The tools that the server has said it has.

use std::collections::HashSet;

use crate::wrap::outcome::Listed;
use crate::wrap::scan::message::Reply;

/// So many names are kept; a longer list is not looked at.
const MOST: usize = 50_000;

/// A list that came in pages counts once it is complete.
#[derive(Debug, Default)]
pub(crate) struct Tools {
    complete: Option<HashSet<String>>,
    pages: Option<HashSet<String>>,
}

impl Tools {
    pub(crate) fn has(&self, tool: &str) -> Listed {
        match &self.complete {
            None => Listed::YesOrUnknown,
            Some(tools) if tools.contains(tool) => Listed::Yes,
            Some(_) => Listed::No,
        }
    }

    /// The server has others now, and the client has not yet asked which.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// A page of the list.
    pub(crate) fn listed(&mut self, is_first: bool, page: Reply) {
        let Some(tools) = page.tools else { return };
        if is_first {
            self.pages = Some(HashSet::new());
        }
        let Some(pages) = &mut self.pages else { return };
        pages.extend(tools);
        if pages.len() > MOST {
            self.forget();
        } else if !page.has_next_cursor {
            self.complete = self.pages.take();
        }
    }
}
