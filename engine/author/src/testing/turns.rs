//! Turns among the runs of a playbook.

use engine_run::{Cid, Conflict, Enter};

/// Who has a turn, and who waits for one.
#[derive(Default)]
pub(super) struct Turns(Vec<Row>);

struct Row {
    run: usize,
    cid: Cid,
    /// The playbook, and what it computes.
    key: (String, String),
    limit: u32,
    active: bool,
}

/// What a run that asks for a turn gets.
pub(super) enum Turn {
    /// It.
    Now,
    /// It, when another one is over.
    Later,
    /// None.
    Never(&'static str),
    /// It, when these are over, which are cancelled.
    After(Vec<usize>),
}

impl Turns {
    pub(super) fn enter(&mut self, run: usize, playbook: &str, enter: &Enter) -> Turn {
        let key = (playbook.to_owned(), enter.key.clone());
        let same: Vec<&Row> = self.0.iter().filter(|row| row.key == key).collect();
        let many = |active: bool| {
            let rows = same.iter().filter(|row| row.active == active);
            u32::try_from(rows.count()).unwrap_or(u32::MAX)
        };
        let (active, waiting) = (many(true), many(false));
        let others: Vec<usize> = same.iter().map(|row| row.run).collect();
        let turn = match enter.on_conflict {
            _ if active < enter.limit => Turn::Now,
            Conflict::Skip => return Turn::Never("another run of the same key is going on"),
            Conflict::Queue if waiting >= enter.max_queue => {
                return Turn::Never("too many runs of the same key wait already");
            }
            Conflict::Queue => Turn::Later,
            Conflict::CancelRunning => Turn::After(others),
        };
        self.0.push(Row {
            run,
            cid: enter.cid,
            key,
            limit: enter.limit,
            active: matches!(turn, Turn::Now),
        });
        turn
    }

    /// A run is over; the run that gets its turn because of that.
    pub(super) fn leave(&mut self, run: usize) -> Option<(usize, Cid)> {
        let at = self.0.iter().position(|row| row.run == run)?;
        let left = self.0.remove(at);
        let same = |row: &&mut Row| row.key == left.key;
        let active = self.0.iter_mut().filter(same).filter(|row| row.active);
        let active = u32::try_from(active.count()).unwrap_or(u32::MAX);
        let mut waiting = self.0.iter_mut().filter(same);
        let next = waiting.find(|row| !row.active && active < row.limit)?;
        next.active = true;
        Some((next.run, next.cid))
    }
}
