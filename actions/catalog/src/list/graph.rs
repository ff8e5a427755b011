//! Operations of Microsoft Graph, and of incidents in Defender XDR.

use actions_defender::Paged;
use actions_defender::graph::access::{DisableUser, EnableUser, RevokeSignInSessions, UpdateUser};
use actions_defender::graph::accounts::{
    GetIdentityAccount, InvokeIdentityAccountAction, ListIdentityAccounts, ListSignIns,
};
use actions_defender::graph::alerts::{
    AddSecurityAlertComment, GetSecurityAlert, ListSecurityAlerts, MoveSecurityAlerts,
    UpdateSecurityAlert,
};
use actions_defender::graph::applications::{
    DeleteOauth2PermissionGrant, EnableServicePrincipal, UpdateServicePrincipal,
};
use actions_defender::graph::assessments::{
    CreateThreatAssessmentRequest, GetThreatAssessmentRequest, ListThreatAssessmentRequests,
};
use actions_defender::graph::detection_rules::{
    CreateDetectionRule, DeleteDetectionRule, GetDetectionRule, ListDetectionRules,
    UpdateDetectionRule,
};
use actions_defender::graph::directory::{
    AddGroupMember, EnableDevice, RemoveGroupMember, UpdateDevice,
};
use actions_defender::graph::ediscovery::PurgeEdiscoverySearch;
use actions_defender::graph::email::{GetAnalyzedEmail, ListAnalyzedEmails, RemediateEmails};
use actions_defender::graph::email_threats::{
    GetEmailThreat, ListEmailThreats, ReviewEmailThreat, SubmitEmailThreat,
};
use actions_defender::graph::incidents::{
    AddSecurityIncidentComment, GetSecurityIncident, ListSecurityIncidents, MergeSecurityIncidents,
    UpdateSecurityIncident,
};
use actions_defender::graph::mailbox::{
    DeleteInboxRule, DeleteMessage, ListInboxRules, ListMessages, MoveMessage,
    PermanentlyDeleteMessage,
};
use actions_defender::graph::passwords::ResetUserPassword;
use actions_defender::graph::risk::{
    ConfirmRiskyServicePrincipalsCompromised, DismissRiskyServicePrincipals, GetRiskDetection,
    ListRiskDetections, ListRiskyServicePrincipals,
};
use actions_defender::graph::risky_users::{
    ConfirmRiskyUsersCompromised, ConfirmRiskyUsersSafe, DismissRiskyUsers, GetRiskyUser,
    ListRiskyUserHistory, ListRiskyUsers,
};
use actions_defender::graph::secure_score::{
    GetSecureScore, GetSecureScoreControlProfile, ListSecureScoreControlProfiles, ListSecureScores,
    UpdateSecureScoreControlProfile,
};
use actions_defender::graph::security_actions::{
    CancelSecurityAction, CreateSecurityAction, GetSecurityAction, ListSecurityActions,
};
use actions_defender::graph::threats::{
    GetFileThreat, GetUrlThreat, ListFileThreats, ListUrlThreats, SubmitFileThreat, SubmitUrlThreat,
};
use actions_defender::graph::users::{GetUser, GetUserSupervisor, ListUserMemberOf};
use actions_defender::incidents::{GetIncident, ListIncidents, UpdateIncident};

use super::{Entry, operation};

/// Every operation of Graph but hunting, by resource.
pub(super) fn entries() -> Vec<Entry> {
    [
        incidents(),
        alerts(),
        mail(),
        directory(),
        risk(),
        submissions(),
        posture(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Alerts and incidents.
fn alerts() -> Vec<Entry> {
    vec![
        operation::<AddSecurityAlertComment>(),
        operation::<AddSecurityIncidentComment>(),
        operation::<GetSecurityAlert>(),
        operation::<GetSecurityIncident>(),
        operation::<Paged<ListSecurityAlerts>>(),
        operation::<Paged<ListSecurityIncidents>>(),
        operation::<MergeSecurityIncidents>(),
        operation::<MoveSecurityAlerts>(),
        operation::<UpdateSecurityAlert>(),
        operation::<UpdateSecurityIncident>(),
    ]
}

/// Mail.
fn mail() -> Vec<Entry> {
    vec![
        operation::<DeleteInboxRule>(),
        operation::<DeleteMessage>(),
        operation::<GetAnalyzedEmail>(),
        operation::<Paged<ListAnalyzedEmails>>(),
        operation::<Paged<ListInboxRules>>(),
        operation::<Paged<ListMessages>>(),
        operation::<MoveMessage>(),
        operation::<PermanentlyDeleteMessage>(),
        operation::<PurgeEdiscoverySearch>(),
        operation::<RemediateEmails>(),
    ]
}

/// The directory.
fn directory() -> Vec<Entry> {
    vec![
        operation::<AddGroupMember>(),
        operation::<DeleteOauth2PermissionGrant>(),
        operation::<DisableUser>(),
        operation::<EnableDevice>(),
        operation::<EnableServicePrincipal>(),
        operation::<EnableUser>(),
        operation::<GetIdentityAccount>(),
        operation::<GetUser>(),
        operation::<GetUserSupervisor>(),
        operation::<InvokeIdentityAccountAction>(),
        operation::<Paged<ListIdentityAccounts>>(),
        operation::<Paged<ListSignIns>>(),
        operation::<Paged<ListUserMemberOf>>(),
        operation::<RemoveGroupMember>(),
        operation::<ResetUserPassword>(),
        operation::<RevokeSignInSessions>(),
        operation::<UpdateDevice>(),
        operation::<UpdateServicePrincipal>(),
        operation::<UpdateUser>(),
    ]
}

/// Identity Protection.
fn risk() -> Vec<Entry> {
    vec![
        operation::<ConfirmRiskyServicePrincipalsCompromised>(),
        operation::<ConfirmRiskyUsersCompromised>(),
        operation::<ConfirmRiskyUsersSafe>(),
        operation::<DismissRiskyServicePrincipals>(),
        operation::<DismissRiskyUsers>(),
        operation::<GetRiskDetection>(),
        operation::<GetRiskyUser>(),
        operation::<Paged<ListRiskDetections>>(),
        operation::<Paged<ListRiskyServicePrincipals>>(),
        operation::<Paged<ListRiskyUserHistory>>(),
        operation::<Paged<ListRiskyUsers>>(),
    ]
}

/// What is handed in to Microsoft.
fn submissions() -> Vec<Entry> {
    vec![
        operation::<CreateThreatAssessmentRequest>(),
        operation::<GetEmailThreat>(),
        operation::<GetFileThreat>(),
        operation::<GetThreatAssessmentRequest>(),
        operation::<GetUrlThreat>(),
        operation::<Paged<ListEmailThreats>>(),
        operation::<Paged<ListFileThreats>>(),
        operation::<Paged<ListThreatAssessmentRequests>>(),
        operation::<Paged<ListUrlThreats>>(),
        operation::<ReviewEmailThreat>(),
        operation::<SubmitEmailThreat>(),
        operation::<SubmitFileThreat>(),
        operation::<SubmitUrlThreat>(),
    ]
}

/// Secure score, security actions and custom detections.
fn posture() -> Vec<Entry> {
    vec![
        operation::<CancelSecurityAction>(),
        operation::<CreateDetectionRule>(),
        operation::<CreateSecurityAction>(),
        operation::<DeleteDetectionRule>(),
        operation::<GetDetectionRule>(),
        operation::<GetSecureScore>(),
        operation::<GetSecureScoreControlProfile>(),
        operation::<GetSecurityAction>(),
        operation::<Paged<ListDetectionRules>>(),
        operation::<Paged<ListSecureScoreControlProfiles>>(),
        operation::<Paged<ListSecureScores>>(),
        operation::<Paged<ListSecurityActions>>(),
        operation::<UpdateDetectionRule>(),
        operation::<UpdateSecureScoreControlProfile>(),
    ]
}

/// Incidents of Defender XDR.
fn incidents() -> Vec<Entry> {
    vec![
        operation::<GetIncident>(),
        operation::<Paged<ListIncidents>>(),
        operation::<UpdateIncident>(),
    ]
}
