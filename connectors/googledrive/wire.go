package googledrive

import (
	"encoding/json"
	"strconv"
	"time"
)

// What Drive answers, as far as it is asked for
// (https://developers.google.com/workspace/drive/api/reference/rest/v3).

// Files, as Drive has them: folders and shortcuts are files of a type.
const (
	folderType   = "application/vnd.google-apps.folder"
	shortcutType = "application/vnd.google-apps.shortcut"
	googleTypes  = "application/vnd.google-apps."
	// plainBytes is the type of a file of which none is known.
	plainBytes = "application/octet-stream"
)

type file struct {
	ID          string            `json:"id,omitempty"`
	Name        string            `json:"name,omitempty"`
	MimeType    string            `json:"mimeType,omitempty"`
	Parents     []string          `json:"parents,omitempty"`
	Size        number            `json:"size,omitempty"`
	MD5         string            `json:"md5Checksum,omitempty"`
	SHA256      string            `json:"sha256Checksum,omitempty"`
	Created     time.Time         `json:"createdTime,omitzero"`
	Modified    time.Time         `json:"modifiedTime,omitzero"`
	Description string            `json:"description,omitempty"`
	Properties  map[string]string `json:"properties,omitempty"`
	Private     map[string]string `json:"appProperties,omitempty"`
	Revision    string            `json:"headRevisionId,omitempty"`
	Trashed     bool              `json:"trashed,omitempty"`
	DriveID     string            `json:"driveId,omitempty"`
	Mine        bool              `json:"ownedByMe,omitempty"`
	Owners      []user            `json:"owners,omitempty"`
	Shared      bool              `json:"shared,omitempty"`
	Starred     bool              `json:"starred,omitempty"`
	Permissions []permission      `json:"permissions,omitempty"`
	Augmented   bool              `json:"hasAugmentedPermissions,omitempty"` // of a shared drive: let at it right there
	Shortcut    *shortcutDetails  `json:"shortcutDetails,omitempty"`
}

type shortcutDetails struct {
	Target string `json:"targetId"`
	Type   string `json:"targetMimeType,omitempty"`
}

// fileFields are those of a file that make an item.
const (
	permissionFields = "id,type,role,emailAddress,domain,displayName,deleted,expirationTime,view,permissionDetails(inherited,permissionType,role)"
	fileFields       = "id,name,mimeType,parents,size,md5Checksum,sha256Checksum,createdTime,modifiedTime,description,properties,appProperties,headRevisionId,trashed,driveId,ownedByMe,owners(permissionId,displayName,emailAddress,me),shared,starred,hasAugmentedPermissions,shortcutDetails(targetId,targetMimeType),permissions(" + permissionFields + ")"
)

type fileList struct {
	Files      []file `json:"files"`
	Next       string `json:"nextPageToken"`
	Incomplete bool   `json:"incompleteSearch"`
}

// A change says how a file is by now, or that it is none of this drive's any more
// (https://developers.google.com/workspace/drive/api/reference/rest/v3/changes).
type change struct {
	Type    string `json:"changeType"` // file, or drive for a shared drive itself
	FileID  string `json:"fileId"`
	Removed bool   `json:"removed"`
	File    *file  `json:"file"`
}

type changeList struct {
	Changes []change `json:"changes"`
	Next    string   `json:"nextPageToken"`
	Start   string   `json:"newStartPageToken"` // on the last page: from where the next changes are told
}

type user struct {
	PermissionID string `json:"permissionId,omitempty"`
	Name         string `json:"displayName,omitempty"`
	Email        string `json:"emailAddress,omitempty"`
	Me           bool   `json:"me,omitempty"`
}

type about struct {
	User user `json:"user"`
}

type sharedDrive struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"createdTime"`
}

type driveList struct {
	Drives []sharedDrive `json:"drives"`
	Next   string        `json:"nextPageToken"`
}

// A permission lets somebody at a file. Its id is that of whom it lets in.
type permission struct {
	ID      string    `json:"id,omitempty"`
	Type    string    `json:"type,omitempty"` // user, group, domain or anyone
	Role    string    `json:"role,omitempty"`
	Email   string    `json:"emailAddress,omitempty"`
	Domain  string    `json:"domain,omitempty"`
	Name    string    `json:"displayName,omitempty"`
	Deleted bool      `json:"deleted,omitempty"`
	Expires time.Time `json:"expirationTime,omitzero"`
	View    string    `json:"view,omitempty"`
	Details []struct {
		Inherited bool   `json:"inherited"`
		Type      string `json:"permissionType"`
		Role      string `json:"role"`
	} `json:"permissionDetails,omitempty"`
}

type permissionList struct {
	Permissions []permission `json:"permissions"`
	Next        string       `json:"nextPageToken"`
}

type generated struct {
	IDs []string `json:"ids"`
}

// A number is an int64, which Drive writes as a text.
type number int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	v, err := strconv.ParseInt(s, 10, 64)
	*n = number(v)
	return err
}
