package box

import "time"

// itemFields is what is asked of files, folders and web links. What one of them has
// not, it does not tell.
const itemFields = "name,etag,sha1,size,file_version,parent,created_at,created_by,content_modified_at,description,tags,shared_link,has_collaborations,owned_by," +
	"comment_count,version_number,lock,url,item_status"

// personFields is what is asked of who the connection acts as.
const personFields = "name,login,status,role,enterprise,max_upload_size"

// An entry is a file, folder or web link as Box tells it.
type entry struct {
	Type     string  `json:"type"`
	ID       string  `json:"id"`
	ETag     string  `json:"etag"` // null for the root
	Name     string  `json:"name"`
	Status   string  `json:"item_status"`
	SHA1     string  `json:"sha1"`
	Bytes    float64 `json:"size"` // 1e+10 for large ones (github.com/rclone/rclone/issues/2261)
	Version  idOf    `json:"file_version"`
	Parent   idOf    `json:"parent"` // null for the root
	Created  string  `json:"created_at"`
	Modified string  `json:"content_modified_at"`
	By       person  `json:"created_by"`
	Owner    person  `json:"owned_by"`

	Description string      `json:"description"`
	Tags        []string    `json:"tags"`
	Link        *sharedLink `json:"shared_link"`
	Shared      bool        `json:"has_collaborations"`
	Comments    int         `json:"comment_count"`
	Versions    string      `json:"version_number"`
	Lock        *idOf       `json:"lock"`
	URL         string      `json:"url"`
}

type idOf struct {
	ID string `json:"id"`
}

type sharedLink struct {
	Access     string `json:"effective_access"`     // open, company or collaborators
	Permission string `json:"effective_permission"` // can_edit, can_download, can_preview or no_access
	Password   bool   `json:"is_password_enabled"`
}

type person struct {
	Type       string  `json:"type"` // user or group
	ID         string  `json:"id"`
	Name       string  `json:"name"`
	Login      string  `json:"login"`
	Status     string  `json:"status"`
	Role       string  `json:"role"`
	Enterprise idOf    `json:"enterprise"`
	MostUpload float64 `json:"max_upload_size"`
}

type collaboration struct {
	ID   string `json:"id"`
	Role string `json:"role"`
	Item struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	} `json:"item"`
	By person `json:"accessible_by"`
}

// A page of anything that is paged by markers.
type page[T any] struct {
	Entries []T    `json:"entries"`
	Next    string `json:"next_marker"`
	Total   int    `json:"total_count"`
}

type (
	people = page[person]
	files  = page[entry]
)

// moment reads a time; zero for none.
func moment(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// stamp writes a time; "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
