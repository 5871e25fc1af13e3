package access

import "slices"

// A Role is what somebody is in an organisation.
type Role string

// The roles, the one that may most first. Support is the operator of the service,
// and no member.
const (
	Owner         Role = "owner"
	Administrator Role = "administrator"
	Operator      Role = "operator"
	Auditor       Role = "auditor"
	Support       Role = "support"
)

// Roles returns all roles.
func Roles() []Role { return []Role{Owner, Administrator, Operator, Auditor, Support} }

// Of members: the roles that an organisation can give.
func Members() []Role { return Roles()[:4] }

// A Kind is a kind of thing that something is done with.
type Kind string

// The kinds.
const (
	Organisation  Kind = "Organisations"
	People        Kind = "People"
	Invitations   Kind = "Invitations"
	Connections   Kind = "Connections"
	Migrations    Kind = "Migrations"
	Forecasts     Kind = "Forecasts"
	Runs          Kind = "Runs"
	Reports       Kind = "Reports"
	Certificates  Kind = "Certificates"
	AuditLog      Kind = "AuditLog"
	Tokens        Kind = "Tokens"
	OwnTokens     Kind = "OwnTokens" // those that speak for whoever asks
	Notifications Kind = "Notifications"
	Retention     Kind = "Retention"
	Grants        Kind = "Grants" // to support
	States        Kind = "States" // of migrations, with reasons: ids, classes, counts
	Account       Kind = "Account"
)

// An Action is something that can be done.
type Action string

// The actions. To read a thing is to see it on a page or through the API, and to
// change it is to make, alter or remove it where no action of its own does that.
const (
	ReadOrganisation   Action = "read organisation"
	ChangeOrganisation Action = "change organisation"
	ExportOrganisation Action = "export organisation"
	DeleteOrganisation Action = "delete organisation"

	ReadPeople   Action = "read people" // with names and addresses
	RemovePeople Action = "remove people"
	ChangeRoles  Action = "change roles"  // of people, but for owners
	ChangeOwners Action = "change owners" // make somebody an owner, or owners something else

	ReadInvitations   Action = "read invitations"
	ChangeInvitations Action = "change invitations" // invite and take back; an invitation gives a role

	ReadConnections   Action = "read connections" // never their secrets
	AddConnections    Action = "add connections"
	ChangeConnections Action = "change connections"
	TestConnections   Action = "test connections"
	DeleteConnections Action = "delete connections"

	ReadMigrations   Action = "read migrations"
	ChangeMigrations Action = "change migrations"
	DeleteMigrations Action = "delete migrations"

	ReadForecasts Action = "read forecasts"
	MakeForecasts Action = "make forecasts"

	ReadRuns    Action = "read runs"
	StartRuns   Action = "start runs" // also: resume, and retry what failed
	PauseRuns   Action = "pause runs"
	StopRuns    Action = "stop runs"
	UndoRuns    Action = "undo runs"
	ReadReports Action = "read reports"
	MakeReports Action = "make reports" // verify

	ReadCertificates Action = "read certificates"
	MakeCertificates Action = "make certificates"

	ReadAuditLog     Action = "read audit log" // and its export, in which what is personal is sealed
	ReadAuditDetails Action = "read audit details"

	ReadTokens      Action = "read tokens"
	ChangeTokens    Action = "change tokens"
	ReadOwnTokens   Action = "read own tokens"
	ChangeOwnTokens Action = "change own tokens"

	ReadNotifications   Action = "read notifications"
	ChangeNotifications Action = "change notifications"

	ReadRetention   Action = "read retention"
	ChangeRetention Action = "change retention"

	ReadGrants   Action = "read grants"
	ChangeGrants Action = "change grants"

	SeeStates Action = "see states"

	ReadAccount   Action = "read account"
	ChangeAccount Action = "change account"
	ExportAccount Action = "export account"
	DeleteAccount Action = "delete account"
	ReadSessions  Action = "read sessions" // one's own
	EndSessions   Action = "end sessions"

	Prove              Action = "prove who one is"    // once more, for what needs a recent proof
	ReadMemberships    Action = "read memberships"    // in which organisations one is
	FoundOrganisations Action = "found organisations" // and be their owner
)

// kinds says what each action is done with.
func kinds() []struct {
	Kind
	actions []Action
} {
	return []struct {
		Kind
		actions []Action
	}{
		{Organisation, []Action{ReadOrganisation, ChangeOrganisation, ExportOrganisation, DeleteOrganisation}},
		{People, []Action{ReadPeople, RemovePeople, ChangeRoles, ChangeOwners}},
		{Invitations, []Action{ReadInvitations, ChangeInvitations}},
		{Connections, []Action{ReadConnections, AddConnections, ChangeConnections, TestConnections, DeleteConnections}},
		{Migrations, []Action{ReadMigrations, ChangeMigrations, DeleteMigrations}},
		{Forecasts, []Action{ReadForecasts, MakeForecasts}},
		{Runs, []Action{ReadRuns, StartRuns, PauseRuns, StopRuns, UndoRuns}},
		{Reports, []Action{ReadReports, MakeReports}},
		{Certificates, []Action{ReadCertificates, MakeCertificates}},
		{AuditLog, []Action{ReadAuditLog, ReadAuditDetails}},
		{Tokens, []Action{ReadTokens, ChangeTokens}},
		{OwnTokens, []Action{ReadOwnTokens, ChangeOwnTokens}},
		{Notifications, []Action{ReadNotifications, ChangeNotifications}},
		{Retention, []Action{ReadRetention, ChangeRetention}},
		{Grants, []Action{ReadGrants, ChangeGrants}},
		{States, []Action{SeeStates}},
		{Account, []Action{ReadAccount, ChangeAccount, ExportAccount, DeleteAccount, ReadSessions, EndSessions, Prove, ReadMemberships, FoundOrganisations}},
	}
}

// Actions returns all actions.
func Actions() (all []Action) {
	for _, k := range kinds() {
		all = append(all, k.actions...)
	}
	return all
}

// Kind is what the action is done with; "" for what is no action.
func (a Action) Kind() Kind {
	for _, k := range kinds() {
		if slices.Contains(k.actions, a) {
			return k.Kind
		}
	}
	return ""
}

// A Scope is what a token was made for. A token may do what its person may and one
// of its scopes holds.
type Scope string

// The scopes; policies/forbids.cedar says what each holds.
const (
	ScopeRead  Scope = "read"
	ScopePlan  Scope = "plan"
	ScopeRun   Scope = "run"
	ScopeUndo  Scope = "undo"
	ScopeAudit Scope = "audit"
)

// Scopes returns all scopes.
func Scopes() []Scope { return []Scope{ScopeRead, ScopePlan, ScopeRun, ScopeUndo, ScopeAudit} }
