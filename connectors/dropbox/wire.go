package dropbox

import (
	"time"

	"github.com/rialto-migrate/rialto/item"
)

const (
	tagFile    = "file"
	tagFolder  = "folder"
	tagDeleted = "deleted"
)

// A tagged value is a union that tells its tag alone.
type tagged struct {
	Tag string `json:".tag"`
}

// metadata is files.Metadata.
type metadata struct {
	Tag       string    `json:".tag"`
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Path      string    `json:"path_lower"`
	Display   string    `json:"path_display"`
	Modified  time.Time `json:"client_modified"`
	Rev       string    `json:"rev"`
	Size      int64     `json:"size"`
	Hash      string    `json:"content_hash"`
	Explicit  bool      `json:"has_explicit_shared_members"`
	Downloads *bool     `json:"is_downloadable"`
	Export    struct {
		As string `json:"export_as"`
	} `json:"export_info"`
	Symlink     *struct{} `json:"symlink_info"`
	SharingInfo *struct {
		Shared   string `json:"shared_folder_id"`
		NoAccess bool   `json:"no_access"`
	} `json:"sharing_info"`
}

// shared is the id under which a folder is shared, "" if it is not.
func (m metadata) shared() string {
	if m.SharingInfo == nil {
		return ""
	}
	return m.SharingInfo.Shared
}

// version pins a file's bytes: their hash, or the revision where Dropbox tells none.
// The revision alone changes when a file is moved.
func (m metadata) version() string {
	if m.Hash != "" {
		return m.Hash
	}
	return m.Rev
}

// item is what Dropbox tells of a file or folder, but for who may see it.
func (m metadata) item(parent item.Ref, drive string) item.Item {
	if m.Tag == tagFolder {
		it := item.Item{Ref: item.Ref{Kind: item.Folder, ID: m.ID}, Parent: parent}
		item.FileName.Set(&it, m.Name)
		return it
	}
	it := item.Item{Ref: item.Ref{Kind: item.File, ID: m.ID}, Parent: parent}
	item.FileName.Set(&it, m.Name)
	item.Modified.Set(&it, m.Modified.UTC())
	it.Blob = &item.Blob{Ref: it.Ref, Parent: parent, URL: drive, Version: m.version(), Bytes: m.Size}
	if m.Hash != "" {
		it.Blob.Sums = []item.Sum{{Algorithm: sumName, Hex: m.Hash}}
	}
	if !m.loads() {
		m.asExport(&it)
	}
	return it
}

type personName struct {
	Display string `json:"display_name"`
}

// account is users.FullAccount.
type account struct {
	ID       string     `json:"account_id"`
	Name     personName `json:"name"`
	Email    string     `json:"email"`
	Disabled bool       `json:"disabled"`
	Team     *struct {
		Name string `json:"name"`
	} `json:"team"`
	Root struct {
		RootNamespace string `json:"root_namespace_id"`
		HomeNamespace string `json:"home_namespace_id"`
		HomePath      string `json:"home_path"`
	} `json:"root_info"`
}

// profile is team.TeamMemberProfile.
type profile struct {
	Member  string     `json:"team_member_id"`
	Account string     `json:"account_id"`
	Email   string     `json:"email"`
	Name    personName `json:"name"`
	Status  tagged     `json:"status"`
}

type pathArg struct {
	Path     string `json:"path"`
	Explicit bool   `json:"include_has_explicit_shared_members,omitempty"`
}

type listArg struct {
	Path      string `json:"path"`
	Recursive bool   `json:"recursive,omitempty"`
	Limit     int    `json:"limit,omitempty"`
	Explicit  bool   `json:"include_has_explicit_shared_members,omitempty"`
}

type cursorArg struct {
	Cursor string `json:"cursor"`
}

type jobArg struct {
	ID string `json:"async_job_id"`
}

type listing struct {
	Entries []metadata `json:"entries"`
	Cursor  string     `json:"cursor"`
	More    bool       `json:"has_more"`
}

// stamp is how Dropbox writes times: whole seconds, in UTC.
const stamp = "2006-01-02T15:04:05Z"
