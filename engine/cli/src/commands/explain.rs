//! `quell explain CODE`.

use engine_model::{Code, code};

use crate::exit::{Fault, Kind};

pub(super) fn explain(name: &str) -> Result<(), Fault> {
    let Some(code) = Code::find(name) else {
        let mut fault = Fault::new(Kind::Usage, format!("there is no code `{name}`"));
        let family = name.get(..2).unwrap_or_default().to_uppercase();
        let near: Vec<&str> = code::ALL
            .iter()
            .map(|c| c.as_str())
            .filter(|c| c.starts_with(&family))
            .collect();
        if !near.is_empty() {
            fault = fault.with_hint(format!("codes of that family: {}", near.join(", ")));
        }
        return Err(fault);
    };
    println!("{}", code.page().trim_end());
    Ok(())
}
