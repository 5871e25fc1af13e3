package onedrive

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/item"
)

// A driveItem is a file, a folder or something else in a drive
// (https://learn.microsoft.com/en-us/graph/api/resources/driveitem).
type driveItem struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	ETag        string    `json:"eTag"`
	Size        int64     `json:"size"`
	WebURL      string    `json:"webUrl"`
	Created     time.Time `json:"createdDateTime"`
	Times       *struct {
		Modified time.Time `json:"lastModifiedDateTime"`
	} `json:"fileSystemInfo"`
	Parent struct {
		ID string `json:"id"`
	} `json:"parentReference"`
	Folder *struct {
		Children *int `json:"childCount"` // nil where it is not told
	} `json:"folder"`
	File *struct {
		MediaType string `json:"mimeType"`
		Hashes    struct {
			QuickXor string `json:"quickXorHash"` // base64
			SHA1     string `json:"sha1Hash"`     // hexadecimal, as the next
			SHA256   string `json:"sha256Hash"`
		} `json:"hashes"`
	} `json:"file"`
	Package *struct{} `json:"package"`
	Root    *struct{} `json:"root"`
	Shared  *struct {
		Scope string `json:"scope"`
	} `json:"shared"`
	Deleted *struct{} `json:"deleted"`
	Remote  *struct {
		WebURL string `json:"webUrl"`
	} `json:"remoteItem"`
	Download string `json:"@microsoft.graph.downloadUrl"` // a secret
}

// shared reports whether somebody may have been let at it. An empty facet says that
// nobody was (https://learn.microsoft.com/en-us/graph/api/driveitem-delta, "Scanning
// permissions hierarchies").
func (i driveItem) shared() bool { return i.Shared != nil && i.Shared.Scope != "" }

// bears reports whether its bytes are said to have changed last at a time.
func (i driveItem) bears(modified time.Time) bool {
	return i.Times != nil && i.Times.Modified.Unix() == modified.Unix()
}

// kind is what an item moves as; "" for what does not.
func (i driveItem) kind() item.Kind {
	switch {
	case i.Package != nil:
		return ""
	case i.Remote != nil:
		return item.Shortcut
	case i.Folder != nil:
		return item.Folder
	case i.File != nil:
		return item.File
	}
	return ""
}

// version changes with the bytes: their hash, where OneDrive tells one. The cTag,
// which is meant for that, is not told by delta
// (https://learn.microsoft.com/en-us/graph/api/driveitem-delta, remarks).
func (i driveItem) version() string {
	switch {
	case i.Size == 0:
		return "empty"
	case i.File != nil && i.File.Hashes.QuickXor != "":
		return i.File.Hashes.QuickXor
	}
	return i.ETag
}

func (i driveItem) sums() []item.Sum {
	var out []item.Sum
	if b, err := base64.StdEncoding.DecodeString(i.File.Hashes.QuickXor); err == nil && len(b) == xorBytes {
		out = append(out, item.Sum{Algorithm: "quickxor", Hex: hex.EncodeToString(b)})
	}
	for _, s := range []item.Sum{{Algorithm: "sha1", Hex: i.File.Hashes.SHA1}, {Algorithm: "sha256", Hex: i.File.Hashes.SHA256}} {
		if s.Hex != "" {
			s.Hex = strings.ToLower(s.Hex)
			out = append(out, s)
		}
	}
	return out
}

// A drive is a OneDrive or a library (https://learn.microsoft.com/en-us/graph/api/resources/drive).
type drive struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Type   string `json:"driveType"`
	WebURL string `json:"webUrl"`
	Owner  struct {
		User, Group *identity
	} `json:"owner"`
	Quota struct {
		Used int64 `json:"used"`
	} `json:"quota"`
	Created time.Time `json:"createdDateTime"`
}

const (
	personal = "personal"        // the OneDrive of a private person
	library  = "documentLibrary" // of a site or a group
)

// label is what people call a drive: its owner, or its site with the library unless
// that is the site's first. A private person has just one, which needs no name.
func (d drive) label() string {
	switch {
	case d.Type == personal:
		return ""
	case d.Owner.User != nil && d.Owner.User.Name != "" && d.Type != library:
		return d.Owner.User.Name
	}
	site, at := d.address()
	switch {
	case site == "":
		return d.Name
	case at == "Shared Documents" || at == "Documents":
		return site
	}
	return site + " " + d.Name
}

// address is the name of the site in a library's address, and the library's there.
func (d drive) address() (site, at string) {
	u, err := url.Parse(d.WebURL)
	if err != nil {
		return "", ""
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) > 2 && (parts[0] == "sites" || parts[0] == "teams") {
		return parts[1], parts[len(parts)-1]
	}
	return "", parts[len(parts)-1]
}

// An identity is a person or a group; the address is not always told.
type identity struct {
	ID    string `json:"id"`
	Name  string `json:"displayName"`
	Email string `json:"email"`
}

// A permission is what somebody was given at an item
// (https://learn.microsoft.com/en-us/graph/api/resources/permission).
type permission struct {
	ID        string       `json:"id"`
	Roles     []string     `json:"roles"`
	To        *identities  `json:"grantedToV2"`
	People    []identities `json:"grantedToIdentitiesV2"` // of a link for certain people
	Inherited *struct {
		ID string `json:"id"`
	} `json:"inheritedFrom"`
	Link *struct {
		Scope string `json:"scope"`
	} `json:"link"`
}

type identities struct {
	User      *identity `json:"user"`
	Group     *identity `json:"group"`
	SiteGroup *identity `json:"siteGroup"`
	SiteUser  *identity `json:"siteUser"`
}

// role is ours for Graph's: "read", "write", "owner", and "sp.full control" and the
// like, which sites make up.
func (p permission) role() string {
	switch {
	case slices.Contains(p.Roles, "owner"), slices.Contains(p.Roles, "sp.full control"):
		return item.Owns
	case slices.Contains(p.Roles, "write"):
		return item.Writes
	case slices.Contains(p.Roles, "read"):
		return item.Reads
	}
	return ""
}

// A page is one of a listing.
type page struct {
	Value []driveItem `json:"value"`
	Next  string      `json:"@odata.nextLink"`
	Delta string      `json:"@odata.deltaLink"` // in place of Next, on the last page of a delta
}
