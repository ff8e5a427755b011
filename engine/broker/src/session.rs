//! Sessions of people: who is signed in, and the refresh token that goes on from there.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use crate::error::{AuthError, AuthKind};
use crate::fetch::{Ask, Fetcher};
use crate::grant::Grant;
use crate::keep::{Keep, Record};
use crate::telemetry::{Telemetry, TokenEvent, TokenEventKind, TokenSubject};
use crate::token::Issued;

/// A person, as the token service names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The id of the person in the directory.
    pub user: String,
    /// The directory.
    pub tenant: String,
    /// The name to show, such as the user principal name.
    pub name: Option<String>,
}

/// One sign-in.
pub(crate) struct Session {
    /// Tells sign-ins apart.
    pub(crate) id: String,
    pub(crate) account: Account,
    /// One request at a time goes on with the refresh token: a strict token service ends the
    /// session when an older one is shown again.
    turn: Semaphore,
    right: Mutex<Right>,
    keep: Option<Arc<Keep>>,
}

/// What the session goes on with.
#[derive(Clone)]
enum Right {
    /// `unsaved` where it could not be written; the file holds an older one then.
    Refresh { token: SecretString, unsaved: bool },
    /// The token by which the person called us.
    Assertion(SecretString),
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session that goes on with a refresh token.
    pub(crate) fn new(record: Record, keep: Option<Arc<Keep>>) -> Self {
        let right = Right::Refresh {
            token: record.refresh_token,
            unsaved: false,
        };
        Self::with(record.session, record.account, right, keep)
    }

    /// A session that goes on with the token of the person.
    pub(crate) fn on_behalf_of(id: String, account: Account, assertion: SecretString) -> Self {
        Self::with(id, account, Right::Assertion(assertion), None)
    }

    fn with(id: String, account: Account, right: Right, keep: Option<Arc<Keep>>) -> Self {
        Self {
            id,
            account,
            turn: Semaphore::new(1),
            right: Mutex::new(right),
            keep,
        }
    }

    fn right(&self) -> Right {
        self.right
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn put(&self, token: SecretString, unsaved: bool) {
        *self.right.lock().unwrap_or_else(PoisonError::into_inner) =
            Right::Refresh { token, unsaved };
    }

    /// Waits until no request holds the refresh token.
    pub(crate) async fn settle(&self) {
        // The semaphore is never closed.
        let _ = self.turn.acquire().await;
    }
}

/// What goes on with a session for one access token.
pub(crate) struct Renewal {
    pub(crate) fetcher: Arc<Fetcher>,
    pub(crate) telemetry: Telemetry,
    pub(crate) subject: TokenSubject,
    pub(crate) session: Arc<Session>,
    pub(crate) ask: Ask,
}

impl Renewal {
    /// Asks for an access token; a new refresh token is safe before the access token is used.
    pub(crate) async fn run(mut self) -> Result<Issued, AuthError> {
        let session = Arc::clone(&self.session);
        let Ok(_turn) = session.turn.acquire().await else {
            return Err(AuthError::new(AuthKind::Internal, "the session is gone"));
        };
        match (session.right(), &session.keep) {
            (Right::Assertion(assertion), _) => {
                self.ask.grant = Grant::OnBehalfOf(assertion);
                self.fetcher.fetch(self.ask).await
            }
            (Right::Refresh { token, .. }, None) => {
                let (issued, next) = self.exchange(&token).await?;
                if let Some(next) = next {
                    session.put(next, false);
                }
                Ok(issued)
            }
            (Right::Refresh { token, unsaved }, Some(keep)) => {
                let held = unsaved.then_some(token);
                self.with_file(&session, keep, held).await
            }
        }
    }

    /// Goes on with the token in the file, which other processes use too.
    async fn with_file(
        &mut self,
        session: &Arc<Session>,
        keep: &Arc<Keep>,
        held: Option<SecretString>,
    ) -> Result<Issued, AuthError> {
        let lock = keep.lock().await?;
        let record = keep.look()?.filter(|record| record.session == session.id);
        let Some(mut record) = record else {
            return Err(AuthError::new(
                AuthKind::Interaction,
                "the session was ended",
            ));
        };
        if let Some(held) = held {
            record.refresh_token = held;
        }
        let used = record.refresh_token.clone();
        let mut outcome = self.exchange(&used).await;
        if outcome
            .as_ref()
            .is_err_and(|error| error.kind == AuthKind::Interaction)
        {
            // Somebody who does not know our lock may have been faster.
            let newer = keep.look()?.filter(|newer| {
                newer.session == session.id
                    && newer.refresh_token.expose_secret() != used.expose_secret()
            });
            if let Some(newer) = newer {
                record = newer;
                outcome = self.exchange(&record.refresh_token.clone()).await;
            }
        }
        let (issued, next) = outcome?;
        if let Some(next) = next {
            session.put(next.clone(), true);
            record.refresh_token = next.clone();
            let keep = Arc::clone(keep);
            // Goes to its end once begun, even when nobody waits for it any more.
            let write = tokio::task::spawn_blocking(move || keep.write(&record, &lock));
            let failed = |_| AuthError::new(AuthKind::Internal, "the file could not be written");
            write.await.map_err(failed)??;
            session.put(next, false);
        }
        Ok(issued)
    }

    async fn exchange(
        &mut self,
        token: &SecretString,
    ) -> Result<(Issued, Option<SecretString>), AuthError> {
        self.ask.grant = Grant::Refresh(token.clone());
        let answer = self.fetcher.exchange(&self.ask).await?;
        let next = answer
            .refresh_token
            .filter(|next| next.expose_secret() != token.expose_secret());
        if next.is_some() {
            let kind = TokenEventKind::RefreshTokenRotated;
            let mut event = TokenEvent::new(kind, &self.subject, 0);
            event.token = Some(answer.issued.name.clone());
            self.telemetry.tell(&event);
        }
        Ok((answer.issued, next))
    }
}

/// The sessions of this process, by connection.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Arc<Session>>>);

impl Sessions {
    /// The session of a connection, as it is known here or kept on disk.
    pub(crate) fn get(
        &self,
        connection: &str,
        keep: Option<&Arc<Keep>>,
    ) -> Result<Arc<Session>, AuthError> {
        let signed_out = || AuthError::new(AuthKind::Interaction, "nobody has signed in");
        let known = self.held().get(connection).cloned();
        let Some(keep) = keep else {
            return known.ok_or_else(signed_out);
        };
        let record = keep.look()?.ok_or_else(signed_out)?;
        if let Some(known) = known.filter(|known| known.id == record.session) {
            return Ok(known);
        }
        let session = Arc::new(Session::new(record, Some(Arc::clone(keep))));
        self.put(connection, Arc::clone(&session));
        Ok(session)
    }

    pub(crate) fn put(&self, connection: &str, session: Arc<Session>) {
        self.held().insert(connection.to_owned(), session);
    }

    pub(crate) fn remove(&self, connection: &str) -> Option<Arc<Session>> {
        self.held().remove(connection)
    }

    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.held().values().cloned().collect()
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
