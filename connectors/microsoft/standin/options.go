package standin

import (
	"log/slog"
	"time"

	shared "github.com/rialto-migrate/rialto/connector/standin"
)

// Options make a tenant. The zero value is a tenant without people, limits as
// documented, no throttling and no faults.
type Options struct {
	// Now is the tenant's clock; nil means time.Now. Timestamps, token lifetimes,
	// the provisioning of drives and the windows of quotas follow it.
	Now func() time.Time
	// Connector is the name of the one that the tenant is run for; "" means planner.
	Connector string
	// Seed decides ids, the order of a batch's answers and what the faults hit.
	Seed uint64
	// Faults go wrong before a request reaches the tenant.
	Faults shared.Faults
	// Limits are what the services hold; nil means DefaultLimits.
	Limits *Limits
	// Quotas throttle; none means that nothing is refused for its rate.
	Quotas []Quota
	// DeepInsert says whether POST /planner/tasks honours an inline details
	// object. Unsettled: a Planner engineer says it can be done (issue
	// microsoft-graph-docs#7745), a caller found the details empty
	// (microsoft-graph-docs-contrib#7613). Without it they are ignored.
	DeepInsert bool
	// FormatsApart says that the three board formats of a new task get order
	// hints of their own instead of starting from the task's. Unsettled.
	FormatsApart bool
	// ProvisioningDelay is how long a new group's drive is not there. 0 means two
	// seconds; negative means none. Real ones take minutes, at times hours
	// (microsoft-graph-docs#631).
	ProvisioningDelay time.Duration
	// ReplyDelay is how long a reply that was accepted (202) is not to be seen in
	// its thread yet.
	ReplyDelay time.Duration
	// TokenLife is how long an access token is good for; 0 means 3600 seconds.
	TokenLife time.Duration
	// BasicUsers grants User.ReadBasic.All and no more: who asks for more than
	// names and addresses of people is refused.
	BasicUsers bool
	// Consumer makes people's drives OneDrives of private persons (driveType
	// "personal"): an upload with deferCommit is completed by a PUT.
	Consumer bool
	// Promotes writes the properties of a library into the Office files that it
	// takes, as SharePoint does (https://github.com/OneDrive/onedrive-api-docs/issues/935):
	// they are stored with more bytes than were sent.
	Promotes bool
	// SparseDelta tells children before the folders that they lie in, and of folders
	// that are deleted or restored nothing but that.
	SparseDelta bool
	// HashLess leaves quickXorHash away: "if available" (docs: hashes).
	HashLess bool
	// ClearsDrafts lets an update take the mark of a draft from an imported message.
	// Unsettled: see mailMessage.setProperty. Without it, a draft stays one.
	ClearsDrafts bool
	// Users are there from the start. With none, one administrator is, so that a
	// delegated connection has somebody to act as.
	Users []User
	// Log gets one line a request, without content; nil means none.
	Log *slog.Logger
}

// A User is a person of the tenant.
type User struct {
	ID   string `json:"id,omitempty"` // a GUID; "" means a new one
	Name string `json:"name"`
	Mail string `json:"mail,omitempty"`
	UPN  string `json:"upn,omitempty"` // "" means the mail, else made from the name
	// Disabled accounts sign nobody in, Guests are of another tenant, and
	// Unlicensed ones have none of the licences that everybody else has.
	Disabled   bool `json:"disabled,omitempty"`
	Guest      bool `json:"guest,omitempty"`
	Unlicensed bool `json:"unlicensed,omitempty"`
}

// Limits are what the services hold, as documented: FACTS.md (Planner) keeps
// both editions of Microsoft's page; these are the smaller, older ones, except
// where one is named. 0 means no limit.
type Limits struct {
	PlansPerGroup     int // 403 MaximumProjectsOwnedByUser
	PlansSharedWith   int // 403 MaximumUsersSharedWithProject: users in one plan's sharedWith
	TasksPerPlan      int // 403 MaximumTasksInProject
	ActiveTasks       int // 403 MaximumActiveTasksInProject: percentComplete below 100
	BucketsPerPlan    int // 403 MaximumBucketsInProject
	TasksCreatedBy    int // 403 MaximumTasksCreatedByUser
	TasksAssignedTo   int // 403 MaximumTasksAssignedToUser
	ChecklistItems    int // 403 MaximumChecklistItemsOnTask
	References        int // 403 MaximumReferencesOnTask
	Assignees         int // 403 MaximumAssigneesInTasks
	TitleChars        int // of plans, buckets and tasks, in UTF-16 units; longer is 400
	ChecklistChars    int // of a checklist item's title
	DescriptionChars  int
	CategoryChars     int
	PlannerPage       int // entries of one page of a Planner listing
	DirectoryPage     int // default of users, groups, members; $top raises it to DirectoryPageMax
	DirectoryPageMax  int
	ConversationPage  int
	DrivePage         int
	BatchParts        int   // of one $batch
	ChunkBytes        int64 // an upload's chunk is a multiple of it, except the last
	ChunkMaxBytes     int64 // and smaller than this
	SimpleUploadBytes int64 // PUT content
	PathChars         int   // of a path below the host, decoded
	DriveBytes        int64 // 507 quotaLimitReached beyond
	EtagMemory        int   // how many older versions of a resource an If-Match may name
}

// DefaultLimits are the documented numbers.
func DefaultLimits() Limits {
	return Limits{
		PlansPerGroup: 200, PlansSharedWith: 100, TasksPerPlan: 9000, ActiveTasks: 2400, BucketsPerPlan: 200,
		TasksCreatedBy: 20000, TasksAssignedTo: 3000, ChecklistItems: 20, References: 10, Assignees: 20,
		TitleChars: 255, ChecklistChars: 100, DescriptionChars: 32768, CategoryChars: 100,
		PlannerPage: 400, DirectoryPage: 100, DirectoryPageMax: 999, ConversationPage: 20, DrivePage: 200,
		BatchParts: 20, ChunkBytes: 320 << 10, ChunkMaxBytes: 60 << 20, SimpleUploadBytes: 250 << 20, PathChars: 400,
		EtagMemory: 64,
	}
}

// A Quota throttles one class of requests, per app.
type Quota struct {
	Class  Class
	Window shared.Window
}

// A Class is a group of requests that share a quota.
type Class string

const (
	AnyClass      Class = "" // every Graph request
	Identity      Class = "identity"
	Planner       Class = "planner"
	Conversations Class = "conversations"
	Files         Class = "files"
)

// DocumentedQuotas are the limits that Microsoft publishes for what this
// tenant serves (FACTS.md, Microsoft Graph): for Planner none is published.
// Identity's is the one of a small tenant, in resource units; files' the one of
// a tenant with up to 1,000 licences.
func DocumentedQuotas() []Quota {
	return []Quota{
		{AnyClass, shared.Window{Max: 2000, Per: time.Second, Phase: -1}},
		{Identity, shared.Window{Max: 3500, Per: 10 * time.Second, Phase: -1}},
		{Conversations, shared.Window{Max: 10000, Per: 10 * time.Minute, Phase: -1}},
		{Mail, shared.Window{Max: 10000, Per: 10 * time.Minute, Phase: -1}},
		{Files, shared.Window{Max: 1200, Per: time.Minute, Phase: -1}},
	}
}
