//! Filter calls.

use super::super::ast::FilterCall;
use super::*;

impl<'e> Checker<'e> {
    pub(super) fn call(&mut self, call: &'e FilterCall) -> Type {
        let filter = call.filter;
        let input = self.ty(&call.of);
        if !filter.input.may_accept(&input) {
            let message = format!("`{}` takes {}, this is {input}", filter.name, filter.input);
            self.report(
                code::PB0402,
                call.of.span,
                message,
                conversion(filter.input, &input),
            );
        }
        let mut args = Vec::with_capacity(call.args.len());
        for (param, node) in filter.params.iter().zip(&call.args) {
            let ty = self.ty(node);
            if !param.kinds.may_accept(&ty) {
                let message = format!(
                    "`{}` of `{}` is {}, this is {ty}",
                    param.name, filter.name, param.kinds
                );
                self.report(
                    code::PB0402,
                    node.span,
                    message,
                    conversion(param.kinds, &ty),
                );
            }
            args.push(ty);
        }
        (filter.result)(&input.without_null(), &args)
    }
}

/// The filter that turns a value into what is wanted.
fn conversion(wanted: Kinds, found: &Type) -> Option<String> {
    let help = if wanted.contains(Kinds::TEXT) && Kinds::SCALAR.may_accept(found) {
        "turn it into text with `| string`"
    } else if wanted.contains(Kinds::TEXT) && Kinds::LIST.may_accept(found) {
        "turn it into text with `| join(', ')`, or loop: `[x | … for x in …]`"
    } else if wanted.contains(Kinds::INT) && Kinds::TEXT.may_accept(found) {
        "turn it into a number with `| int`"
    } else {
        return None;
    };
    Some(help.to_owned())
}
