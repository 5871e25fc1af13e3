package standin

import (
	"fmt"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
)

// personal is the driveType of a private person's OneDrive; business that of a
// OneDrive in a tenant (docs: drive).
const (
	personal = "personal"
	business = "business"
	library  = "documentLibrary"
)

// A site holds document libraries.
type site struct {
	id, name, path string // path is "sites/team"
	drives         []string
}

// AddSite makes a site with one library and returns its id.
func (s *Server) AddSite(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := &site{id: "contoso.sharepoint.invalid," + s.guid() + "," + s.guid(), name: name, path: "sites/" + slug(name)}
	s.sites[at.id] = at
	s.addLibrary(at, "Documents")
	return at.id
}

// AddLibrary makes one more library in a site and returns its drive's id.
func (s *Server) AddLibrary(siteID, name string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.sites[siteID]
	if at == nil {
		return "", fmt.Errorf("there is no site %s", siteID)
	}
	return s.addLibrary(at, name).id, nil
}

func (s *Server) addLibrary(at *site, name string) *drive {
	d := s.newDrive(name)
	d.site = at.id
	at.drives = append(at.drives, d.id)
	return d
}

// DriveOf is the id of a person's OneDrive, which is made if it is not there.
func (s *Server) DriveOf(user string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.findUser(user)
	if u == nil {
		return "", fmt.Errorf("there is no user %q in this tenant", user)
	}
	return s.driveOfUser(u).id, nil
}

func (s *Server) driveOfUser(u *user) *drive {
	if s.drives[u.drive] == nil {
		d := s.newDrive("OneDrive")
		d.user, u.drive = u.id, d.id
	}
	return s.drives[u.drive]
}

// Put stores a file below the root of a drive, with the folders on its way, as
// somebody's app would; a path that ends with a slash is a folder. It returns the
// item's id.
func (s *Server) Put(driveID, at string, content []byte) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.drives[driveID]
	if d == nil {
		return "", fmt.Errorf("there is no drive %s", driveID)
	}
	by := caller{app: s.client}
	parent := d.items[d.root]
	dir, name := path.Split(at)
	for part := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		if part == "" {
			continue
		}
		next := d.child(parent.id, part)
		if next == nil {
			next = s.addItem(d, parent, part, by)
		}
		parent = next
	}
	if name == "" {
		return parent.id, nil
	}
	in := &sponge{}
	_, _ = in.Write(content) // a sponge takes all
	it, err := s.store(d, d.child(parent.id, name), parent, name, by, in.done(), mime.TypeByExtension(path.Ext(name)))
	if err != nil {
		return "", err
	}
	return it.id, nil
}

// AddPackage puts a notebook below the root of a drive, with a section in it.
func (s *Server) AddPackage(driveID, name string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.drives[driveID]
	if d == nil {
		return "", fmt.Errorf("there is no drive %s", driveID)
	}
	it := s.addItem(d, d.items[d.root], name, caller{app: s.client})
	it.pack = "oneNote"
	in := &sponge{}
	_, _ = in.Write([]byte("a section"))
	_, err := s.store(d, nil, it, "Section.one", it.by, in.done(), "application/msonenote")
	return it.id, err
}

// AddShortcut puts a shortcut to an item of another drive below the root of a drive.
func (s *Server) AddShortcut(driveID, name, toDrive, toItem string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, far := s.drives[driveID], s.drives[toDrive]
	if d == nil || far == nil || far.items[toItem] == nil {
		return "", fmt.Errorf("there is no such drive or item")
	}
	it := s.addItem(d, d.items[d.root], name, caller{app: s.client})
	it.folder = false
	c := &call{base: "http://stand-in.invalid"}
	it.remote = &remote{drive: toDrive, item: toItem, kind: s.driveType(far), url: s.webURL(c, far, far.pathOf(far.items[toItem])), name: far.items[toItem].name}
	d.touch(it)
	return it.id, nil
}

// A remote is what a shortcut leads to (docs: remoteitem).
type remote struct{ drive, item, kind, url, name string }

func (r *remote) object() object {
	return object{"id": r.item, "name": r.name, "webUrl": r.url, "folder": object{}, "parentReference": object{"driveId": r.drive, "driveType": r.kind}}
}

func (s *Server) driveType(d *drive) string {
	switch {
	case d.user == "":
		return library
	case s.opts.Consumer:
		return personal
	}
	return business
}

// webURL is the address of what lies in a drive, for people.
func (s *Server) webURL(c *call, d *drive, below string) string {
	at := "Shared Documents"
	if d.site != "" && d.name != "Documents" {
		at = d.name
	}
	return s.siteOf(c, d) + "/" + escapePath(at) + escapePath(below)
}

func (s *Server) driveOwner(d *drive) object {
	if g := s.groups[d.group]; g != nil {
		return object{"group": object{"id": g.id, "displayName": g.name}}
	}
	if u := s.users[d.user]; u != nil {
		return object{"user": object{"id": u.id, "displayName": u.name}}
	}
	return object{"group": object{"displayName": "Owners"}}
}

// reaches reports whether somebody may use a drive: their own, those of their
// groups, and those of all sites.
func (s *Server) reaches(user string, d *drive) bool {
	if g := s.groups[d.group]; g != nil {
		return g.has(user) || slices.Contains(g.owners, user)
	}
	return d.site != "" || d.user == user
}

// driveOf turns the drive of somebody, of a group or of a site into its own
// address: /me/drive/root becomes /drives/{id}/root.
func (s *Server) driveOf(c *call) error {
	var d *drive
	rest := 3
	switch {
	case len(c.segs) > 1 && c.segs[0] == "me" && c.segs[1] == "drive":
		u := s.users[c.who.user]
		if u == nil {
			return refuse(http.StatusBadRequest, "BadRequest", "/me request is only valid with delegated authentication flow.")
		}
		d, rest = s.driveOfUser(u), 2
	case len(c.segs) < 3 || c.segs[2] != "drive":
		return nil
	case c.segs[0] == "groups":
		return s.driveOfGroup(c)
	case c.segs[0] == "users":
		u := s.findUser(c.segs[1])
		if u == nil {
			return directoryNotFound(c.segs[1])
		}
		if u.guest || u.unlicensed {
			return refuse(http.StatusNotFound, "ResourceNotFound", "User's mysite not found.")
		}
		d = s.driveOfUser(u)
	case c.segs[0] == "sites":
		at := s.sites[c.segs[1]]
		if at == nil {
			return itemNotFound()
		}
		d = s.drives[at.drives[0]]
	default:
		return nil
	}
	c.segs = append([]string{"drives", d.id}, c.segs[rest:]...)
	return nil
}

func (s *Server) siteObject(c *call, at *site) object {
	return object{"id": at.id, "name": path.Base(at.path), "displayName": at.name, "webUrl": c.base + "/" + at.path, "createdDateTime": stampSeconds(s.now())}
}

// listSites is docs: site-search. "*" finds all.
func (s *Server) listSites(c *call) (answer, error) {
	want := c.query.Get("search")
	if want == "" {
		return answer{}, refuse(http.StatusBadRequest, "invalidRequest", "A search is needed.")
	}
	var all []object
	for _, id := range sortedIDs(s.sites) {
		if at := s.sites[id]; want == "*" || strings.Contains(strings.ToLower(at.name), strings.ToLower(want)) {
			all = append(all, s.siteObject(c, at))
		}
	}
	return s.listing(c, "sites", all, s.limits.DrivePage)
}

// getSite finds a site by its id, or by its address (docs: site-getbypath).
func (s *Server) getSite(c *call) (answer, error) {
	for _, at := range s.sites {
		if at.id == c.vars["site"] || strings.TrimPrefix(c.vars["path"], ":") == at.path {
			return s.entity(c, http.StatusOK, "sites", s.siteObject(c, at))
		}
	}
	return answer{}, itemNotFound()
}

func (s *Server) listDrives(c *call) (answer, error) {
	at := s.sites[c.vars["site"]]
	if at == nil {
		return answer{}, itemNotFound()
	}
	var all []object
	for _, id := range at.drives {
		all = append(all, s.driveObject(c, s.drives[id]))
	}
	slices.SortFunc(all, func(a, b object) int { return strings.Compare(key(a), key(b)) })
	return s.listing(c, "drives", all, s.limits.DrivePage)
}

// pathFits holds the whole path, decoded, against the limit of 400 characters
// (support page "Restrictions and limitations in OneDrive and SharePoint").
func (s *Server) pathFits(c *call, d *drive, parent, name string) error {
	whole := strings.TrimPrefix(s.siteOf(c, d), c.base+"/") + "/Shared Documents" + d.pathOf(d.items[parent]) + "/" + name
	if s.limits.PathChars > 0 && chars(whole) > s.limits.PathChars {
		return refuse(http.StatusBadRequest, "pathIsTooLong", "The specified path is too long.")
	}
	return nil
}

// promoted is what a library makes of an Office file's bytes.
func (s *Server) promoted(d *drive, name string, data content) content {
	if s.opts.HashLess {
		data.hash = ""
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".docx", ".xlsx", ".pptx":
	default:
		return data
	}
	if !s.opts.Promotes || d.user != "" {
		return data
	}
	in := &sponge{}
	for _, b := range data.blocks {
		_, _ = in.Write([]byte(b.Value()))
	}
	_, _ = in.Write([]byte("<customXml/>"))
	return in.done()
}

// mayLieIn refuses a folder that is not there, or that lies in what should go there.
func (d *drive) mayLieIn(it *driveItem, parent string) error {
	to := d.items[parent]
	if to == nil || !to.folder {
		return itemNotFound()
	}
	for ; to != nil; to = d.items[to.parent] {
		if to == it {
			return refuse(http.StatusBadRequest, "invalidRequest", "A folder cannot be moved into itself.")
		}
	}
	return nil
}
