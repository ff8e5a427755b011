//! The operations of Defender for Endpoint and Defender XDR.

use actions_defender::action_results::{
    CancelMachineAction, GetInvestigationPackageUri, GetLiveResponseResult,
};
use actions_defender::alert_changes::{BatchUpdateAlerts, CreateAlertByReference};
use actions_defender::alert_relations::{
    GetAlertMachine, GetAlertUser, ListAlertDomains, ListAlertFiles, ListAlertIps,
};
use actions_defender::alerts::{GetAlert, ListAlerts, UpdateAlert};
use actions_defender::baselines::{
    ListBaselineConfigurations, ListBaselineProfiles, ListBrowserExtensionPermissions,
    ListDeviceAntivirusHealth,
};
use actions_defender::downloads::{
    DownloadExportFile, DownloadInvestigationPackage, DownloadLiveResponseResult,
};
use actions_defender::export_files::{
    ExportBrowserExtensionsInventoryFiles, ExportNonCpeSoftwareInventoryFiles,
    ExportSecureConfigurationAssessmentFiles, ExportSoftwareInventoryAssessmentFiles,
    ExportSoftwareVulnerabilitiesAssessmentFiles,
};
use actions_defender::export_records::{
    ExportNonCpeSoftwareInventory, ExportSecureConfigurationAssessment,
    ExportSoftwareInventoryAssessment, ExportSoftwareVulnerabilitiesAssessment,
    ExportSoftwareVulnerabilitiesDelta,
};
use actions_defender::files::{GetFile, GetFileStatistics, ListFileAlerts, ListFileMachines};
use actions_defender::hunting::{RunAdvancedHuntingQuery, RunAdvancedQuery};
use actions_defender::indicator_batches::{
    BatchDeleteIndicators, ImportIndicators, RemoveIndicators,
};
use actions_defender::indicators::{
    DeleteIndicator, ListIndicators, RemoveIndicator, SubmitIndicator,
};
use actions_defender::inventories::{
    ExportBrowserExtensionsInventory, ExportCertificateInventoryAssessment,
    ExportHardwareFirmwareAssessment, ExportSecurityBaselineAssessment,
};
use actions_defender::inventory_files::{
    ExportCertificateInventoryAssessmentFiles, ExportDeviceAntivirusHealthFiles,
    ExportHardwareFirmwareAssessmentFiles, ExportInformationGatheringFiles,
    ExportSecurityBaselineAssessmentFiles,
};
use actions_defender::investigations::{GetInvestigation, ListInvestigations};
use actions_defender::library::{DeleteLibraryFile, ListLibraryFiles, UploadLibraryFile};
use actions_defender::live_response::{GetLiveResponseOutput, RunLiveResponse};
use actions_defender::machine_actions::{
    GetMachineAction, IsolateMachine, ListMachineActions, UnisolateMachine,
};
use actions_defender::machine_changes::{
    AddOrRemoveMachineTag, AddOrRemoveTagForMultipleMachines, SetDeviceValue, UpdateMachine,
};
use actions_defender::machine_relations::{
    FindMachinesByInternalIp, FindMachinesByTag, ListMachineAlerts, ListMachineLogonUsers,
};
use actions_defender::machine_weaknesses::{
    ListMachineMissingKbs, ListMachineRecommendations, ListMachineSoftware,
    ListMachineVulnerabilities,
};
use actions_defender::machines::{FindMachinesByIp, GetMachine, ListMachines};
use actions_defender::network::{
    GetDomainStatistics, GetIpStatistics, ListDomainAlerts, ListDomainMachines, ListIpAlerts,
};
use actions_defender::recommendations::{
    GetRecommendation, GetRecommendationSoftware, ListRecommendationMachines,
    ListRecommendationVulnerabilities, ListRecommendations,
};
use actions_defender::remediation::{
    GetDeviceSecureScore, GetExposureScore, GetRemediationActivity,
    ListExposureScoreByMachineGroup, ListRemediationActivities, ListRemediationActivityMachines,
};
use actions_defender::responses::{
    CollectInvestigationPackage, OffboardMachine, RemoveAppRestriction, RestrictAppExecution,
    RunAntivirusScan, StopAndQuarantineFile,
};
use actions_defender::scan_history::{
    BatchDeleteScanDefinitions, GetScanAgent, GetScanHistoryByDefinition, GetScanHistoryBySession,
    ListScanAgents,
};
use actions_defender::scans::{AddScanDefinition, ListScanDefinitions, UpdateScanDefinition};
use actions_defender::software::{
    GetSoftware, ListSoftware, ListSoftwareMachines, ListSoftwareMissingKbs,
    ListSoftwareVersionDistribution, ListSoftwareVulnerabilities,
};
use actions_defender::start_investigation::StartInvestigation;
use actions_defender::users::{ListUserAlerts, ListUserMachines};
use actions_defender::vulnerabilities::{
    GetVulnerability, ListVulnerabilities, ListVulnerabilitiesByMachineAndSoftware,
    ListVulnerabilityMachines,
};
use actions_defender::{Followed, Paged};

use super::{Entry, composed, operation};

/// Each operation, and each action that is made of several requests, sorted by id. The action that
/// asks the configured service for hunting is beside them.
pub(super) const DEFENDER: &[fn() -> Entry] = &[
    operation::<AddOrRemoveMachineTag>,
    operation::<Paged<AddOrRemoveTagForMultipleMachines>>,
    operation::<AddScanDefinition>,
    operation::<BatchDeleteIndicators>,
    operation::<BatchDeleteScanDefinitions>,
    operation::<BatchUpdateAlerts>,
    operation::<CancelMachineAction>,
    operation::<Followed<CollectInvestigationPackage>>,
    operation::<CreateAlertByReference>,
    operation::<DeleteIndicator>,
    operation::<DeleteLibraryFile>,
    composed::<DownloadExportFile>,
    composed::<DownloadInvestigationPackage>,
    composed::<DownloadLiveResponseResult>,
    operation::<Paged<ExportBrowserExtensionsInventory>>,
    operation::<ExportBrowserExtensionsInventoryFiles>,
    operation::<Paged<ExportCertificateInventoryAssessment>>,
    operation::<ExportCertificateInventoryAssessmentFiles>,
    operation::<ExportDeviceAntivirusHealthFiles>,
    operation::<Paged<ExportHardwareFirmwareAssessment>>,
    operation::<ExportHardwareFirmwareAssessmentFiles>,
    operation::<ExportInformationGatheringFiles>,
    operation::<Paged<ExportNonCpeSoftwareInventory>>,
    operation::<ExportNonCpeSoftwareInventoryFiles>,
    operation::<Paged<ExportSecureConfigurationAssessment>>,
    operation::<ExportSecureConfigurationAssessmentFiles>,
    operation::<Paged<ExportSecurityBaselineAssessment>>,
    operation::<ExportSecurityBaselineAssessmentFiles>,
    operation::<Paged<ExportSoftwareInventoryAssessment>>,
    operation::<ExportSoftwareInventoryAssessmentFiles>,
    operation::<Paged<ExportSoftwareVulnerabilitiesAssessment>>,
    operation::<ExportSoftwareVulnerabilitiesAssessmentFiles>,
    operation::<Paged<ExportSoftwareVulnerabilitiesDelta>>,
    operation::<Paged<FindMachinesByInternalIp>>,
    operation::<FindMachinesByIp>,
    operation::<Paged<FindMachinesByTag>>,
    operation::<GetAlert>,
    operation::<GetAlertMachine>,
    operation::<GetAlertUser>,
    operation::<GetDeviceSecureScore>,
    operation::<GetDomainStatistics>,
    operation::<GetExposureScore>,
    operation::<GetFile>,
    operation::<GetFileStatistics>,
    operation::<GetInvestigation>,
    operation::<GetInvestigationPackageUri>,
    operation::<GetIpStatistics>,
    composed::<GetLiveResponseOutput>,
    operation::<GetLiveResponseResult>,
    operation::<GetMachine>,
    operation::<GetMachineAction>,
    operation::<GetRecommendation>,
    operation::<GetRecommendationSoftware>,
    operation::<GetRemediationActivity>,
    operation::<GetScanAgent>,
    operation::<Paged<GetScanHistoryByDefinition>>,
    operation::<Paged<GetScanHistoryBySession>>,
    operation::<GetSoftware>,
    operation::<GetVulnerability>,
    operation::<ImportIndicators>,
    operation::<Followed<IsolateMachine>>,
    operation::<Paged<ListAlertDomains>>,
    operation::<Paged<ListAlertFiles>>,
    operation::<Paged<ListAlertIps>>,
    operation::<Paged<ListAlerts>>,
    operation::<Paged<ListBaselineConfigurations>>,
    operation::<Paged<ListBaselineProfiles>>,
    operation::<Paged<ListBrowserExtensionPermissions>>,
    operation::<Paged<ListDeviceAntivirusHealth>>,
    operation::<Paged<ListDomainAlerts>>,
    operation::<Paged<ListDomainMachines>>,
    operation::<Paged<ListExposureScoreByMachineGroup>>,
    operation::<Paged<ListFileAlerts>>,
    operation::<Paged<ListFileMachines>>,
    operation::<Paged<ListIndicators>>,
    operation::<Paged<ListInvestigations>>,
    operation::<Paged<ListIpAlerts>>,
    operation::<Paged<ListLibraryFiles>>,
    operation::<Paged<ListMachineActions>>,
    operation::<Paged<ListMachineAlerts>>,
    operation::<Paged<ListMachineLogonUsers>>,
    operation::<Paged<ListMachineMissingKbs>>,
    operation::<Paged<ListMachineRecommendations>>,
    operation::<Paged<ListMachineSoftware>>,
    operation::<Paged<ListMachineVulnerabilities>>,
    operation::<Paged<ListMachines>>,
    operation::<Paged<ListRecommendationMachines>>,
    operation::<Paged<ListRecommendationVulnerabilities>>,
    operation::<Paged<ListRecommendations>>,
    operation::<Paged<ListRemediationActivities>>,
    operation::<Paged<ListRemediationActivityMachines>>,
    operation::<Paged<ListScanAgents>>,
    operation::<Paged<ListScanDefinitions>>,
    operation::<Paged<ListSoftware>>,
    operation::<Paged<ListSoftwareMachines>>,
    operation::<Paged<ListSoftwareMissingKbs>>,
    operation::<Paged<ListSoftwareVersionDistribution>>,
    operation::<Paged<ListSoftwareVulnerabilities>>,
    operation::<Paged<ListUserAlerts>>,
    operation::<Paged<ListUserMachines>>,
    operation::<Paged<ListVulnerabilities>>,
    operation::<Paged<ListVulnerabilitiesByMachineAndSoftware>>,
    operation::<Paged<ListVulnerabilityMachines>>,
    operation::<Followed<OffboardMachine>>,
    operation::<Followed<RemoveAppRestriction>>,
    composed::<RemoveIndicator>,
    composed::<RemoveIndicators>,
    operation::<Followed<RestrictAppExecution>>,
    operation::<RunAdvancedHuntingQuery>,
    operation::<RunAdvancedQuery>,
    operation::<Followed<RunAntivirusScan>>,
    operation::<Followed<RunLiveResponse>>,
    operation::<SetDeviceValue>,
    operation::<StartInvestigation>,
    operation::<Followed<StopAndQuarantineFile>>,
    operation::<SubmitIndicator>,
    operation::<Followed<UnisolateMachine>>,
    operation::<UpdateAlert>,
    operation::<UpdateMachine>,
    operation::<UpdateScanDefinition>,
    operation::<UploadLibraryFile>,
];
