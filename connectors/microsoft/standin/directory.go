package standin

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// domain is the tenant's own; .invalid never resolves (RFC 2606).
const domain = "contoso.invalid"

type user struct {
	id, name, mail, upn, given, surname string
	created                             time.Time
	disabled, guest, unlicensed         bool
	drive                               string // "" while it is not there
}

type group struct {
	id, name, description, mail, nickname, visibility string
	types, behavior                                   []string // groupTypes, resourceBehaviorOptions
	mailEnabled, securityEnabled                      bool
	created, driveReady                               time.Time
	members, owners                                   []string // user ids, in the order in which they came
	drive                                             string   // "" while it is not there
	threads                                           map[string]*thread
}

func (g *group) has(id string) bool { return slices.Contains(g.members, id) }

func (s *Server) addUser(u User) *user {
	n := &user{id: strings.ToLower(u.ID), name: u.Name, mail: u.Mail, upn: u.UPN, created: s.now(), disabled: u.Disabled, guest: u.Guest, unlicensed: u.Unlicensed}
	if n.id == "" {
		n.id = s.guid()
	}
	first, last, two := strings.Cut(n.name, " ")
	if n.given = first; two {
		n.surname = last
	}
	if n.upn == "" {
		n.upn = n.mail
	}
	if n.upn == "" {
		n.upn = s.freeName(slug(n.name)) + "@" + domain
	}
	s.users[n.id] = n
	return n
}

// freeName makes a user name that nobody has.
func (s *Server) freeName(want string) string {
	for i := 1; ; i++ {
		name := want
		if i > 1 {
			name = fmt.Sprintf("%s%d", want, i)
		}
		if s.findUser(name+"@"+domain) == nil {
			return name
		}
	}
}

// slug keeps ASCII letters and digits; "user" if none are left.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if r == ' ' && b.Len() > 0 {
			b.WriteByte('.')
		}
	}
	return cmp.Or(strings.Trim(b.String(), "."), "user")
}

// findUser looks one up by id or user principal name.
func (s *Server) findUser(who string) *user {
	if u := s.users[strings.ToLower(who)]; u != nil {
		return u
	}
	for _, u := range s.users {
		if strings.EqualFold(u.upn, who) {
			return u
		}
	}
	return nil
}

// businessPremium is Microsoft's id of the licence that people have here:
// https://learn.microsoft.com/en-us/entra/identity/users/licensing-service-plan-reference
const businessPremium = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"

// userProperties are those that a user shows without $select (docs: user).
var userHidden = []string{"accountEnabled", "assignedLicenses", "createdDateTime", "userType", "department", "companyName", "usageLocation", "city", "country"}

func (u *user) object() object {
	relation := "Member"
	if u.guest {
		relation = "Guest"
	}
	licences := []object{}
	if !u.guest && !u.unlicensed {
		licences = append(licences, object{"disabledPlans": []string{}, "skuId": businessPremium})
	}
	return object{
		"@odata.type": "#microsoft.graph.user", onSelect: userHidden,
		"id": u.id, "displayName": orNull(u.name), "mail": orNull(u.mail), "userPrincipalName": u.upn,
		"givenName": orNull(u.given), "surname": orNull(u.surname), "businessPhones": []string{}, "jobTitle": nil,
		"mobilePhone": nil, "officeLocation": nil, "preferredLanguage": nil,
		"accountEnabled": !u.disabled, "assignedLicenses": licences, "createdDateTime": stampSeconds(u.created), "userType": relation,
		"department": nil, "companyName": nil, "usageLocation": nil, "city": nil, "country": nil,
	}
}

// plain is an object in a listing of its own type, which says no @odata.type.
func plain(o object) object { delete(o, "@odata.type"); return o }

var groupHidden = []string{"isArchived", "uniqueName"}

func (g *group) object() object {
	var mail any
	proxies := []string{}
	if g.mail != "" {
		mail, proxies = g.mail, []string{"SMTP:" + g.mail}
	}
	return object{
		"@odata.type": "#microsoft.graph.group", onSelect: groupHidden,
		"id": g.id, "deletedDateTime": nil, "classification": nil, "createdDateTime": stampSeconds(g.created),
		"description": orNull(g.description), "displayName": g.name, "expirationDateTime": nil, "groupTypes": g.types,
		"isAssignableToRole": nil, "mail": mail, "mailEnabled": g.mailEnabled, "mailNickname": g.nickname,
		"membershipRule": nil, "membershipRuleProcessingState": nil, "onPremisesLastSyncDateTime": nil,
		"onPremisesSecurityIdentifier": nil, "onPremisesSyncEnabled": nil, "preferredDataLocation": nil, "preferredLanguage": nil,
		"proxyAddresses": proxies, "renewedDateTime": stampSeconds(g.created), "resourceBehaviorOptions": append([]string{}, g.behavior...),
		"resourceProvisioningOptions": []string{}, "securityEnabled": g.securityEnabled, "theme": nil, "visibility": orNull(g.visibility),
		"onPremisesProvisioningErrors": []any{}, "isArchived": nil, "uniqueName": nil,
	}
}

func (s *Server) me(c *call) (answer, error) {
	if !c.who.delegated() {
		return answer{}, refuse(http.StatusBadRequest, "BadRequest", "/me request is only valid with delegated authentication flow.")
	}
	u := s.users[c.who.user]
	if u == nil {
		return answer{}, directoryNotFound(c.who.user)
	}
	return s.entity(c, http.StatusOK, "users", plain(u.object()))
}

func (s *Server) organization(c *call) (answer, error) {
	return s.listing(c, "organization", []object{{
		"id": s.tenant, "displayName": "Contoso", "tenantType": "AAD", "countryLetterCode": "NO", "assignedPlans": []any{},
		"businessPhones": []string{}, "provisionedPlans": []any{},
		"verifiedDomains": []object{{"capabilities": "Email", "isDefault": true, "isInitial": true, "name": domain, "type": "Managed"}},
	}}, 0)
}

// mayKnow refuses properties of people beyond the basic ones where the app was
// granted no more: https://learn.microsoft.com/en-us/graph/permissions-reference#userreadbasicall
func (s *Server) mayKnow(c *call) error {
	if !s.opts.BasicUsers {
		return nil
	}
	for _, p := range strings.Split(c.query.Get("$select"), ",") {
		if slices.Contains(userHidden, p) {
			return refuse(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
		}
	}
	return nil
}

func (s *Server) getUser(c *call) (answer, error) {
	if err := s.mayKnow(c); err != nil {
		return answer{}, err
	}
	u := s.findUser(c.vars["user"])
	if u == nil {
		return answer{}, directoryNotFound(c.vars["user"])
	}
	return s.entity(c, http.StatusOK, "users", plain(u.object()))
}

func (s *Server) listUsers(c *call) (answer, error) {
	if err := s.mayKnow(c); err != nil {
		return answer{}, err
	}
	var all []object
	for _, u := range s.users {
		all = append(all, plain(u.object()))
	}
	return s.directoryListing(c, "users", all)
}

func (s *Server) listGroups(c *call) (answer, error) {
	var all []object
	for _, g := range s.groups {
		all = append(all, plain(g.object()))
	}
	return s.directoryListing(c, "groups", all)
}

// directoryListing applies $filter, $top and the order of the directory, which
// is by nothing that means anything: by id here.
func (s *Server) directoryListing(c *call, context string, all []object) (answer, error) {
	keep, err := filter(c.query.Get("$filter"))
	if err != nil {
		return answer{}, err
	}
	all = slices.DeleteFunc(all, func(o object) bool { return !keep(o) })
	slices.SortFunc(all, func(a, b object) int { return strings.Compare(key(a), key(b)) })
	page, err := top(c, s.limits.DirectoryPage, s.limits.DirectoryPageMax)
	if err != nil {
		return answer{}, err
	}
	return s.listing(c, context, all, page)
}

func (s *Server) group(c *call) (*group, error) {
	g := s.groups[strings.ToLower(c.vars["group"])]
	if g == nil {
		return nil, directoryNotFound(c.vars["group"])
	}
	return g, nil
}

func (s *Server) getGroup(c *call) (answer, error) {
	g, err := s.group(c)
	if err != nil {
		return answer{}, err
	}
	return s.entity(c, http.StatusOK, "groups", plain(g.object()))
}

// createGroup is docs: group-post-groups. The one who creates a group by Graph
// owns it, but is no member of it (docs: planner-overview).
func (s *Server) createGroup(c *call) (answer, error) {
	p := parse(c, "microsoft.graph.group")
	g := &group{id: s.guid(), created: s.now().Truncate(time.Second), visibility: "Public", threads: map[string]*thread{}, types: []string{}}
	p.text("displayName", &g.name)
	p.text("description", &g.description)
	p.text("mailNickname", &g.nickname)
	p.text("visibility", &g.visibility)
	mailGiven := p.boolean("mailEnabled", &g.mailEnabled)
	securityGiven := p.boolean("securityEnabled", &g.securityEnabled)
	if v, ok := p.take("groupTypes"); ok && json.Unmarshal(v, &g.types) != nil {
		p.wrong("groupTypes", "Collection(Edm.String)")
	}
	g.behavior = []string{}
	if v, ok := p.take("resourceBehaviorOptions"); ok && json.Unmarshal(v, &g.behavior) != nil {
		p.wrong("resourceBehaviorOptions", "Collection(Edm.String)")
	}
	people := map[string][]string{}
	for _, what := range []string{"owners", "members"} {
		v, ok := p.take(what + "@odata.bind")
		if !ok {
			continue
		}
		var links []string
		if json.Unmarshal(v, &links) != nil {
			p.wrong(what, "Collection(Edm.String)")
		}
		if len(links) > 20 {
			return answer{}, refuse(http.StatusBadRequest, "Request_BadRequest", "The maximum number of bound references is 20.")
		}
		for _, link := range links {
			u := s.users[strings.ToLower(lastSegment(link))]
			if u == nil {
				return answer{}, directoryNotFound(lastSegment(link))
			}
			people[what] = append(people[what], u.id)
		}
	}
	if err := p.end(); err != nil {
		return answer{}, asDirectory(err)
	}
	for _, need := range []struct {
		name  string
		given bool
	}{{"displayName", g.name != ""}, {"mailEnabled", mailGiven}, {"mailNickname", g.nickname != ""}, {"securityEnabled", securityGiven}} {
		if !need.given {
			return answer{}, refuse(http.StatusBadRequest, "Request_BadRequest", "A value is required for property '%s' of resource 'Group'.", need.name)
		}
	}
	if chars(g.name) > 256 {
		return answer{}, refuse(http.StatusBadRequest, "Request_BadRequest", "Invalid value specified for property 'displayName' of resource 'Group'.")
	}
	if len(g.nickname) > 64 || strings.ContainsFunc(g.nickname, func(r rune) bool { return r > 127 || strings.ContainsRune(`@()\[]";:.<>, `, r) }) {
		return answer{}, refuse(http.StatusBadRequest, "Request_BadRequest", "Invalid value specified for property 'mailNickname' of resource 'Group'.")
	}
	unified := slices.Contains(g.types, "Unified")
	if unified {
		for _, other := range s.groups {
			if strings.EqualFold(other.nickname, g.nickname) {
				return answer{}, refuse(http.StatusBadRequest, "Request_BadRequest", "Another object with the same value for property mailNickname already exists.")
			}
		}
		g.mail = g.nickname + "@" + domain
	} else {
		g.visibility = ""
	}
	g.owners, g.members = people["owners"], people["members"]
	if len(g.owners) == 0 && c.who.delegated() {
		g.owners = []string{c.who.user}
	}
	g.driveReady = s.now().Add(max(s.opts.ProvisioningDelay, 0))
	s.groups[g.id] = g
	s.welcome(c, g, g.members...)
	return s.entity(c, http.StatusCreated, "groups", plain(g.object()))
}

// asDirectory puts what is wrong with a body into the directory's words.
func asDirectory(err error) error {
	if r, ok := errors.AsType[*refusal](err); ok && r.code == "" {
		r.code = "Request_BadRequest"
		r.message = strings.TrimPrefix(r.message, "The request is invalid:\r\n")
	}
	return err
}

func (s *Server) patchGroup(c *call) (answer, error) {
	g, err := s.group(c)
	if err != nil {
		return answer{}, err
	}
	p, n := parse(c, "microsoft.graph.group"), *g
	p.text("displayName", &n.name)
	p.text("description", &n.description)
	p.text("visibility", &n.visibility)
	p.text("mailNickname", &n.nickname)
	if err := p.end(); err != nil {
		return answer{}, asDirectory(err)
	}
	if n.name == "" {
		return answer{}, refuse(http.StatusBadRequest, "Request_BadRequest", "Invalid value specified for property 'displayName' of resource 'Group'.")
	}
	*g = n
	return noContent()
}

// deleteGroup takes the group's plans, conversations and drive with it
// (docs: planner-overview).
func (s *Server) deleteGroup(c *call) (answer, error) {
	g, err := s.group(c)
	if err != nil {
		return answer{}, err
	}
	for _, p := range s.plans {
		if p.group == g.id {
			s.dropPlan(p)
		}
	}
	s.dropDrive(g.drive)
	delete(s.groups, g.id)
	return noContent()
}

func (s *Server) listMembers(c *call) (answer, error) { return s.people(c, (*group).memberIDs) }
func (s *Server) listOwners(c *call) (answer, error)  { return s.people(c, (*group).ownerIDs) }

func (g *group) memberIDs() *[]string { return &g.members }
func (g *group) ownerIDs() *[]string  { return &g.owners }

func (s *Server) people(c *call, which func(*group) *[]string) (answer, error) {
	if err := s.mayKnow(c); err != nil {
		return answer{}, err
	}
	g, err := s.group(c)
	if err != nil {
		return answer{}, err
	}
	if g.visibility == "HiddenMembership" && !(c.who.delegated() && g.has(c.who.user)) {
		// https://learn.microsoft.com/en-us/graph/api/group-list-members: it takes
		// Member.Read.Hidden, which nobody has here.
		return answer{}, refuse(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	}
	var all []object
	for _, id := range *which(g) {
		if u := s.users[id]; u != nil {
			all = append(all, u.object())
		}
	}
	return s.directoryListing(c, "directoryObjects", all)
}

func (s *Server) addMember(c *call) (answer, error) {
	return s.addPerson(c, "members", (*group).memberIDs)
}
func (s *Server) addOwner(c *call) (answer, error) {
	return s.addPerson(c, "owners", (*group).ownerIDs)
}

// addPerson is docs: group-post-members.
func (s *Server) addPerson(c *call, what string, which func(*group) *[]string) (answer, error) {
	g, err := s.group(c)
	if err != nil {
		return answer{}, err
	}
	var body struct {
		ID string `json:"@odata.id"`
	}
	if json.Unmarshal(c.body, &body) != nil || body.ID == "" {
		return answer{}, refuse(http.StatusBadRequest, "BadRequest", "An '@odata.id' with the address of a directory object is required.")
	}
	u := s.users[strings.ToLower(lastSegment(body.ID))]
	if u == nil {
		return answer{}, directoryNotFound(lastSegment(body.ID))
	}
	ids := which(g)
	if slices.Contains(*ids, u.id) {
		return answer{}, refuse(http.StatusBadRequest, "Request_BadRequest", "One or more added object references already exist for the following modified properties: '%s'.", what)
	}
	*ids = append(*ids, u.id)
	if what == "members" {
		s.welcome(c, g, u.id)
	}
	return noContent()
}

func (s *Server) dropMember(c *call) (answer, error) { return s.dropPerson(c, (*group).memberIDs) }
func (s *Server) dropOwner(c *call) (answer, error) {
	g, err := s.group(c)
	if err == nil && len(g.owners) == 1 && g.owners[0] == strings.ToLower(c.vars["user"]) {
		return answer{}, refuse(http.StatusBadRequest, "Request_BadRequest", "The group must have at least one owner, hence this owner cannot be removed.")
	}
	return s.dropPerson(c, (*group).ownerIDs)
}

func (s *Server) dropPerson(c *call, which func(*group) *[]string) (answer, error) {
	g, err := s.group(c)
	if err != nil {
		return answer{}, err
	}
	ids := which(g)
	i := slices.Index(*ids, strings.ToLower(c.vars["user"]))
	if i < 0 {
		return answer{}, directoryNotFound(c.vars["user"])
	}
	*ids = slices.Delete(slices.Clone(*ids), i, i+1)
	return noContent()
}

func lastSegment(link string) string {
	if i := strings.IndexAny(link, "?#"); i >= 0 {
		link = link[:i]
	}
	link = strings.TrimRight(link, "/")
	return link[strings.LastIndexByte(link, '/')+1:]
}

// identity is how Planner names who did something: without a name.
func (w caller) identity() object {
	out := object{"application": object{"displayName": nil, "id": w.app}}
	if w.user != "" {
		out["user"] = object{"displayName": nil, "id": w.user}
	}
	return out
}

// named is how drives name who did something.
func (s *Server) named(w caller) object {
	out := object{"application": object{"displayName": "Rialto", "id": w.app}}
	if u := s.users[w.user]; u != nil {
		out["user"] = object{"displayName": u.name, "id": u.id}
	}
	return out
}

// sortedIDs are the keys of a map in order.
func sortedIDs[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
