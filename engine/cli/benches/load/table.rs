//! The table of figures: engine, baseline, their ratio, the aim.

use std::time::Duration;

/// What the engine is meant to reach.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aim {
    /// None: the figure explains others.
    None,
    /// At least so many times the baseline's figure.
    TimesAtLeast(f64),
    /// At most so many times the baseline's figure.
    TimesAtMost(f64),
    /// At most this.
    AtMost(f64),
}

/// A row of the table.
struct Row {
    what: &'static str,
    engine: f64,
    baseline: Option<f64>,
    aim: Aim,
}

/// The table of figures.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    /// Adds a figure of both.
    pub(crate) fn both(&mut self, what: &'static str, figures: [f64; 2], aim: Aim) {
        let [engine, baseline] = figures;
        self.0.push(Row {
            what,
            engine,
            baseline: Some(baseline),
            aim,
        });
    }

    /// Adds a figure of the engine alone.
    pub(crate) fn engine(&mut self, what: &'static str, engine: f64, aim: Aim) {
        self.0.push(Row {
            what,
            engine,
            baseline: None,
            aim,
        });
    }

    pub(crate) fn print(&self) {
        println!(
            "{:<46} {:>9} {:>9} {:>6}  aim",
            "", "engine", "baseline", "ratio"
        );
        for row in &self.0 {
            let ratio = row.baseline.map(|baseline| row.engine / baseline);
            let line = format!(
                "{:<46} {:>9} {:>9} {:>6}  {}",
                row.what,
                number(row.engine),
                row.baseline.map(number).unwrap_or_default(),
                ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
                row.verdict(ratio),
            );
            println!("{}", line.trim_end());
        }
    }
}

impl Row {
    fn verdict(&self, ratio: Option<f64>) -> String {
        let ratio = ratio.unwrap_or(f64::NAN);
        let (aim, met) = match self.aim {
            Aim::None => return String::new(),
            Aim::TimesAtLeast(least) => (format!("ratio ≥ {least:.2}"), ratio >= least),
            Aim::TimesAtMost(most) => (format!("ratio ≤ {most:.2}"), ratio <= most),
            Aim::AtMost(most) => (format!("≤ {most}"), self.engine <= most),
        };
        format!("{aim}: {}", if met { "met" } else { "MISSED" })
    }
}

fn number(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The middle one of several figures; none of none.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The figure that `percent` of all are not above, in milliseconds.
pub(crate) fn percentile_ms(figures: &mut [Duration], percent: usize) -> f64 {
    figures.sort_unstable();
    let rank = (figures.len() * percent).div_ceil(100).max(1);
    figures
        .get(rank - 1)
        .map_or(f64::NAN, |figure| figure.as_secs_f64() * 1e3)
}
