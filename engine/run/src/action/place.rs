//! In which tenant a step works, and the key that all its tries share.

use actions_contract::{ActionError, ErrorKind};
use engine_model::{TenantId, code};

use super::Of;
use crate::cx::Cx;

/// The tenant that the step names. Whether the connection may reach it is the broker's to say.
pub(super) fn tenant(cx: &Cx<'_>, of: &Of<'_>) -> Result<Option<TenantId>, ActionError> {
    let Some(tenant) = &of.action.tenant else {
        return Ok(None);
    };
    let value = cx.render(of.env, tenant)?;
    match value.as_str().map(str::parse) {
        Some(Ok(tenant)) => Ok(Some(tenant)),
        _ => {
            let message = format!("`connection.tenant` is {value}, which is no tenant");
            Err(ActionError::permanent(
                ErrorKind::Expression,
                code::RN0101,
                message,
            ))
        }
    }
}

/// The idempotency key. The tenant belongs to it: the same id in another directory names another
/// device.
pub(super) fn idem(cx: &Cx<'_>, of: &Of<'_>, tenant: Option<&TenantId>) -> String {
    let (run, label) = (&cx.shared.run, cx.label(of.step));
    match tenant {
        Some(tenant) => format!("{run}/{label}@{tenant}"),
        None => format!("{run}/{label}"),
    }
}
