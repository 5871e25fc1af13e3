// Package outlook is the connector of mail in Exchange Online over Microsoft Graph:
// the folders and messages of one mailbox
// (https://learn.microsoft.com/en-us/graph/api/resources/message).
//
// A message is uploaded as MIME and then given its date, its flags and its keywords.
// Exchange keeps it in a form of its own and gives its MIME in other bytes, so that
// content counts as lost byte for byte. A message that has no Message-ID gets one that
// is made of its header: the very first request carries what it is found by again.
package outlook

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

const (
	settingMailbox = "mailbox"
	settingDrafts  = "drafts"
	draftsKeep     = "keep"
)

type outlook struct{}

// New returns the connector.
func New() connector.Connector { return outlook{} }

// Manifest implements connector.Connector.
func (outlook) Manifest() connector.Manifest {
	return connector.Manifest{
		Name: "outlook", Title: "Outlook mail",
		Settings: append(microsoft.Settings(),
			connector.Setting{Name: settingMailbox, Help: "the address of the mailbox that is read; else that of the person who signed in", Optional: true},
			connector.Setting{Name: settingDrafts, Help: "what to do where Exchange leaves what is imported as a draft: refuse (the default) or keep", Optional: true},
		),
		Hosts:  []string{"graph.microsoft.com", "login.microsoftonline.com"},
		SignIn: signIn,
	}
}

// signIn is the delegated way in: only that person's own mailbox is read and written.
func signIn(ctx context.Context, env connector.Env, show func(url, code string)) (map[string]string, error) {
	token, err := microsoft.DeviceCode(ctx, env, []string{writeMail, "User.Read"}, show)
	if err != nil {
		return nil, err
	}
	return map[string]string{microsoft.SettingRefreshToken: token}, nil
}

// Open implements connector.Connector.
func (outlook) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	if d := env.Settings[settingDrafts]; d != "" && d != "refuse" && d != draftsKeep {
		return nil, connector.Errorf(connector.Permanent, "the setting drafts cannot be read").WithHint("write refuse or keep")
	}
	if env.HTTP == nil {
		return nil, connector.Errorf(connector.Permanent, "outlook was opened without a way to the network")
	}
	graph, err := microsoft.New(env)
	if err != nil {
		return nil, err
	}
	return &cloud{graph: graph, net: env.HTTP, settings: env.Settings, slots: semaphore.NewWeighted(atATime), keepDrafts: env.Settings[settingDrafts] == draftsKeep}, nil
}

// atATime is how many requests a mailbox takes at once:
// https://learn.microsoft.com/en-us/graph/throttling-limits#outlook-service-limits
const atATime = 4

// A cloud is one open connection.
type cloud struct {
	graph      *microsoft.Client
	net        *connector.Client
	settings   connector.Settings
	slots      *semaphore.Weighted
	keepDrafts bool
	// staysDraft is set once Exchange left what was imported as a draft; tried once
	// it is known what Exchange does.
	staysDraft, tried atomic.Bool
}

// Close implements connector.Cloud.
func (c *cloud) Close() error { return nil }

// take waits for n of the slots that the mailbox has.
func (c *cloud) take(ctx context.Context, n int64) (func(), error) {
	if err := c.slots.Acquire(ctx, n); err != nil {
		return nil, &connector.Error{Class: connector.Transient, Reason: "stopped while waiting for its turn", Err: context.Cause(ctx)}
	}
	return func() { c.slots.Release(n) }, nil
}

// rights that a migration uses: https://learn.microsoft.com/en-us/graph/permissions-reference
const writeMail = "Mail.ReadWrite"

// Check implements connector.Cloud.
func (c *cloud) Check(ctx context.Context) (connector.Identity, error) {
	id := connector.Identity{Account: c.settings[microsoft.SettingTenant], Rights: []string{"read and write mail"}}
	if c.graph.Delegated() || c.settings[settingMailbox] != "" {
		b, err := c.box(ctx, c.own())
		if err != nil {
			return id, err
		}
		id.ID, id.Name = b.id, b.name
	} else {
		id.ID, id.Name = c.settings[microsoft.SettingClientID], "an app"
	}
	claims, err := c.graph.Claims(ctx)
	if err != nil {
		return id, err
	}
	if len(claims) > 0 && !slices.ContainsFunc(claims, func(s string) bool { return strings.HasPrefix(s, writeMail) }) {
		id.Missing = append(id.Missing, "write mail ("+writeMail+")")
	}
	return id, nil
}

// own is the place of the mailbox that is read.
func (c *cloud) own() string {
	if m := c.settings[settingMailbox]; m != "" {
		return "user:" + m
	}
	return "me"
}

// A box is a mailbox, or the part of it below a folder.
type box struct {
	*cloud
	id, name string
	path     string // of its owner: "/users/ID"
	folder   string // the id of the folder that it begins at, "" for all of it
}

func (b *box) ref() item.Ref {
	id := b.id
	if b.folder != "" {
		id += "/" + b.folder
	}
	return item.Ref{Kind: item.Mailbox, ID: id}
}

func (b *box) bundle() item.Bundle { return item.Bundle{Item: item.Item{Ref: b.ref()}, CheckItems: -1} }

// box finds the mailbox of a place: "me" or "user:ADDRESS", and the names of folders
// after slashes. It reads only.
func (c *cloud) box(ctx context.Context, place string) (*box, error) {
	owner, folders, _ := strings.Cut(place, "/")
	path := "/me"
	if address, ok := strings.CutPrefix(owner, "user:"); ok && address != "" {
		path = "/users/" + url.PathEscape(address)
	} else if owner != "me" {
		return nil, connector.Errorf(connector.Permanent, "the place of a migration to Outlook is a mailbox").
			WithHint("write it as me, or as user: and an address; a folder can follow after a slash: me/Imported")
	}
	if path == "/me" && !c.graph.Delegated() {
		return nil, connector.Errorf(connector.Permanent, "an app has no mailbox of its own").
			WithHint("name the mailbox: user: and its address as the place of a target, the setting mailbox for a source")
	}
	var who struct {
		ID   string `json:"id"`
		Name string `json:"displayName"`
	}
	if err := c.get(ctx, path, url.Values{"$select": {"id,displayName"}}, &who); err != nil {
		if microsoft.IsGone(err) {
			return nil, connector.Errorf(connector.Permanent, "there is nobody of that address").WithHint("check the address of the mailbox")
		}
		return nil, err
	}
	b := &box{cloud: c, id: who.ID, name: who.Name, path: "/users/" + who.ID}
	for name := range strings.SplitSeq(folders, "/") {
		if name == "" {
			continue
		}
		f, err := b.named(ctx, b.folder, name)
		if err != nil {
			return nil, err
		}
		if f == nil {
			return nil, connector.Errorf(connector.Permanent, "the mailbox has no folder of the name that the place says").WithHint("make the folder in Outlook, or name the mailbox alone")
		}
		b.folder = f.ID
	}
	return b, nil
}

// Source implements connector.Cloud.
func (c *cloud) Source(context.Context) (connector.Source, error) { return &source{cloud: c}, nil }

// Target implements connector.Cloud.
func (c *cloud) Target(ctx context.Context, place string) (connector.Target, error) {
	b, err := c.box(ctx, strings.TrimSpace(place))
	if err != nil {
		return nil, err
	}
	return &target{box: b}, nil
}
