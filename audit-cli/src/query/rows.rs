//! Calls in columns.

use audit_jsonl::LogLine;

use crate::calls::Call;
use crate::calls::filter::Filter;
use crate::exit::Failure;
use crate::output::Output;
use crate::query::{Printer, Wanted};
use crate::scan::Visitor;
use crate::table::{self, Row, Rows};

/// Makes a row of each call that is asked for.
pub(super) struct Chosen<'a> {
    filter: &'a Filter,
    rows: Rows,
}

impl<'a> Chosen<'a> {
    pub(super) fn new(filter: &'a Filter, width: Option<usize>) -> Self {
        Self {
            filter,
            rows: Rows::new(width),
        }
    }
}

impl Visitor for Chosen<'_> {
    type Found = Vec<Row>;

    fn visit(
        &mut self,
        call: &Call<'_>,
        _: &LogLine<'_>,
        found: &mut Vec<Row>,
    ) -> Result<bool, Failure> {
        if !self.filter.takes(call) {
            return Ok(false);
        }
        found.push(self.rows.row(call));
        Ok(true)
    }
}

/// Prints rows below a heading. The first part decides how wide columns are.
pub(super) struct Table<'a> {
    output: &'a mut Output,
    table: Option<table::Table>,
}

impl<'a> Table<'a> {
    pub(super) fn new(output: &'a mut Output) -> Self {
        Self {
            output,
            table: None,
        }
    }
}

impl Printer for Table<'_> {
    type Found = Vec<Row>;

    fn print(&mut self, found: Vec<Row>, wanted: &mut Wanted) -> Result<(), Failure> {
        let nths: Vec<usize> = wanted.of(found.len()).collect();
        // A slice of them, or all in another order.
        let (Some(first), Some(last)) = (nths.iter().min(), nths.iter().max()) else {
            return Ok(());
        };
        let table = match &mut self.table {
            Some(table) => table,
            None => {
                let mut table = table::Table::new(self.output, &found[*first..=*last]);
                table.heading(self.output)?;
                self.table.insert(table)
            }
        };
        nths.into_iter()
            .try_for_each(|nth| table.row(&found[nth], self.output))
    }
}
