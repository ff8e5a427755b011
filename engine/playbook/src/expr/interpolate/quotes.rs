//! Expressions inside quotes of the surrounding language: reported, with a fix where there is one.

use super::*;

impl Compiler {
    pub(super) fn report_quotes(
        &mut self,
        text: &str,
        holes: &[Range<usize>],
        exprs: &[Expr],
        (language, survey): (Language, &Survey),
    ) {
        let mut fixed = Vec::new();
        for ((hole, expr), spot) in holes.iter().zip(exprs).zip(&survey.spots) {
            if ends_raw(expr) {
                continue;
            }
            let span = Span {
                start: hole.start,
                end: hole.end,
            };
            match spot {
                Spot::Quoted(index) => {
                    let message =
                        format!("an expression stands inside quotes of the {language} text");
                    let quoted = survey.quoted.get(*index).filter(|_| !fixed.contains(index));
                    fixed.push(*index);
                    let fix = quoted.and_then(|quoted| without(quoted, text, holes, language));
                    let help = match &fix {
                        Some(fix) if !fix.replacement.contains('\n') => format!(
                            "it brings its own quotes: write `{}` in place of the quoted text",
                            fix.replacement
                        ),
                        _ => "it brings its own quotes: put none around it".to_owned(),
                    };
                    self.report(code::PB0412, span, message, Some(help));
                    if let Some(problem) = self.problems.last_mut() {
                        problem.fix = fix;
                    }
                }
                Spot::Unsafe(why) => {
                    let message = format!("an expression stands {why}");
                    self.report(code::PB0412, span, message, None);
                }
                _ => {}
            }
        }
    }
}

/// Whether the author switched encoding off.
pub(super) fn ends_raw(expr: &Expr) -> bool {
    matches!(&expr.parts().1.kind, Kind::Filter(call) if call.filter.name == "raw")
}

/// The literal taken apart: the expressions free, the text between them in its own quotes.
fn without(quoted: &Quoted, text: &str, holes: &[Range<usize>], language: Language) -> Option<Fix> {
    let open = &text[quoted.whole.start..quoted.inside.start];
    let close = &text[quoted.inside.end..quoted.whole.end];
    if close.is_empty() {
        return None;
    }
    let mut pieces = Vec::new();
    let mut at = quoted.inside.start;
    for hole in holes
        .iter()
        .filter(|hole| quoted.inside.contains(&hole.start))
    {
        if at < hole.start {
            pieces.push(format!("{open}{}{close}", &text[at..hole.start]));
        }
        pieces.push(text[hole.clone()].to_owned());
        at = hole.end;
    }
    if at < quoted.inside.end {
        pieces.push(format!("{open}{}{close}", &text[at..quoted.inside.end]));
    }
    let replacement = match (language, pieces.len()) {
        (_, 1) => pieces.concat(),
        (Language::Kql, _) => format!("strcat({})", pieces.join(", ")),
        (Language::Sh, _) if open != "`" => pieces.concat(),
        _ => return None,
    };
    let span = Span {
        start: quoted.whole.start,
        end: quoted.whole.end,
    };
    Some(Fix { span, replacement })
}
