// Package access is the one decision point: who may do what in an organisation.
// What it decides by is written in Cedar (https://docs.cedarpolicy.com), one file
// a role under policies/, beside what is forbidden to all. Nothing is allowed that
// no policy permits, and a forbid outweighs every permit. docs/access.md shows what
// comes of it.
package access

import (
	"embed"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

//go:embed policies/*.cedar
var files embed.FS

// A Subject is who asks. The zero Subject is nobody.
type Subject struct {
	// Person is the id of whoever asks; "" for nobody who signed in.
	Person string
	// Organisation is the one that Role is held in, and for support the one that
	// gave the grant. "" for none.
	Organisation string
	Role         Role
	// SecondFactor tells whether the session began with one; for a token, whether
	// the session did that made it.
	SecondFactor bool
	// SignedIn is when the person last proved who it is; zero for a token.
	SignedIn time.Time
	// Token tells that a token asks for its person. Scopes are what it was made for.
	Token  bool
	Scopes []Scope
	// GrantUntil is when the organisation's grant to support ends; zero for none.
	GrantUntil time.Time
}

// A Resource is what something is done with.
type Resource struct {
	Kind         Kind
	Organisation string // whose it is; "" for an account
	// Person is whose it is within: of an account, and of one's own tokens.
	Person string
	// DemandsSecondFactor tells whether the organisation does.
	DemandsSecondFactor bool
}

// A Why is the name of the reason that decided: that of a policy (its @id), or
// one of these.
type Why string

// Reasons that a caller acts upon. The others say no more than their text.
const (
	NotSignedIn        Why = "not-signed-in"
	NotPermitted       Why = "not-permitted"        // no policy permits it
	NeedsSecondFactor  Why = "needs-second-factor"  // the same again with one is another matter
	NeedsRecentSignIn  Why = "needs-recent-sign-in" // prove again who you are, and go on
	NotOfThisKind      Why = "not-of-this-kind"     // a mistake of ours: the action does not go with the resource
	PolicyCannotDecide Why = "policy-cannot-decide" // a mistake of ours: a policy failed
)

// A Decision says whether, and why.
type Decision struct {
	Allowed bool
	Why     Why
	// Says is the reason as a sentence for the person who asked; "" if allowed.
	Says string
}

// A Policy decides. It does not change and is safe for concurrent use.
type Policy struct {
	rules []rule
	asked map[Action]asked
}

// asked is what an action is done with, and the policies that speak of it: to ask
// the others, too, takes four times as long.
type asked struct {
	kind             Kind
	permits, forbids rules
}

type rule struct {
	id     cedar.PolicyID
	says   string
	policy *cedar.Policy
}

// New reads the policies.
func New() (*Policy, error) { return read(files) }

func read(from fs.FS) (*Policy, error) {
	names, err := fs.Glob(from, "policies/*.cedar")
	if err != nil {
		return nil, err
	}
	p := &Policy{}
	for _, name := range names {
		text, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, err
		}
		list, err := cedar.NewPolicyListFromBytes(name, text)
		if err != nil {
			return nil, fmt.Errorf("access: %s: %w", name, err)
		}
		for _, policy := range list {
			notes := policy.Annotations()
			r := rule{cedar.PolicyID(notes["id"]), string(notes["says"]), policy}
			switch {
			case r.id == "":
				return nil, fmt.Errorf("access: %s, line %d: the policy has no @id", name, policy.Position().Line)
			case slices.ContainsFunc(p.rules, func(o rule) bool { return o.id == r.id }):
				return nil, fmt.Errorf("access: %s: two policies have the @id %s", name, r.id)
			case policy.Effect() == cedar.Forbid && r.says == "":
				return nil, fmt.Errorf("access: %s: %s forbids and does not say (@says) why", name, r.id)
			}
			p.rules = append(p.rules, r)
		}
	}
	p.asked = map[Action]asked{}
	for _, k := range kinds() {
		for _, do := range k.actions {
			a := asked{kind: k.Kind}
			for _, r := range p.rules {
				switch {
				case !r.speaksOf(do):
				case r.policy.Effect() == cedar.Permit:
					a.permits = append(a.permits, r)
				default:
					a.forbids = append(a.forbids, r)
				}
			}
			p.asked[do] = a
		}
	}
	return p, nil
}

// speaksOf reports whether a policy's own list of actions leaves room for one.
func (r rule) speaksOf(do Action) bool {
	id := entity(typeAction, do)
	switch scope := r.policy.AST().Action.(type) {
	case ast.ScopeTypeEq:
		return scope.Entity == id
	case ast.ScopeTypeInSet:
		return slices.Contains(scope.Entities, id)
	}
	return true
}

type rules []rule

// All gives the policies to Cedar.
func (rs rules) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, r := range rs {
			if !yield(r.id, r.policy) {
				return
			}
		}
	}
}

// Decide says whether the subject may do this. Whoever may never do it is told
// that, and not to sign in again for it.
func (p *Policy) Decide(who Subject, do Action, with Resource) Decision {
	asked, known := p.asked[do]
	if !known || asked.kind != with.Kind {
		return no(NotOfThisKind, "This cannot be done here.")
	}
	request, entities := ask(who, do, with)
	_, forbids := cedar.Authorize(asked.forbids, entities, request)
	_, permits := cedar.Authorize(asked.permits, entities, request)
	switch {
	// Cedar passes over a policy that fails; over a forbid nobody may pass.
	case len(forbids.Errors) > 0 || len(permits.Errors) > 0:
		return no(PolicyCannotDecide, "This could not be decided, so it is refused.")
	case who.Person == "":
		return no(NotSignedIn, "Sign in to go on.")
	case len(permits.Reasons) == 0:
		return no(NotPermitted, "Your role does not include this.")
	case len(forbids.Reasons) > 0:
		first := forbids.Reasons[0].PolicyID // in the order of the file
		at := slices.IndexFunc(asked.forbids, func(r rule) bool { return r.id == first })
		return no(Why(first), asked.forbids[at].says)
	}
	return Decision{Allowed: true, Why: Why(permits.Reasons[0].PolicyID)}
}

func no(why Why, says string) Decision { return Decision{Why: why, Says: says} }

// The entity types of the policies. A resource has its kind for a type.
const (
	typePerson       cedar.EntityType = "Person"
	typeOrganisation cedar.EntityType = "Organisation"
	typeRole         cedar.EntityType = "Role"
	typeAction       cedar.EntityType = "Action"
)

// pair holds the two entities that a policy looks at.
type pair [2]cedar.Entity

func (p pair) Get(id cedar.EntityUID) (cedar.Entity, bool) {
	for _, e := range p {
		if e.UID == id {
			return e, true
		}
	}
	return cedar.Entity{}, false
}

// ask puts a question into Cedar's words.
func ask(who Subject, do Action, with Resource) (cedar.Request, pair) {
	scopes := make([]cedar.Value, len(who.Scopes))
	for i, s := range who.Scopes {
		scopes[i] = cedar.String(s)
	}
	principal := cedar.Entity{
		UID: entity(typePerson, who.Person),
		Attributes: cedar.NewRecord(cedar.RecordMap{
			"organisation": entity(typeOrganisation, who.Organisation),
			"secondFactor": cedar.Boolean(who.SecondFactor),
			"signedIn":     cedar.NewDatetime(who.SignedIn),
			"token":        cedar.Boolean(who.Token),
			"scopes":       cedar.NewSet(scopes...),
			"grantUntil":   cedar.NewDatetime(who.GrantUntil),
		}),
	}
	if who.Organisation != "" { // a role is held in an organisation, or not at all
		principal.Parents = cedar.NewEntityUIDSet(entity(typeRole, who.Role))
	}
	resource := cedar.Entity{
		UID: entity(cedar.EntityType(with.Kind), with.Organisation),
		Attributes: cedar.NewRecord(cedar.RecordMap{
			"organisation":        entity(typeOrganisation, with.Organisation),
			"person":              entity(typePerson, with.Person),
			"demandsSecondFactor": cedar.Boolean(with.DemandsSecondFactor),
		}),
	}
	return cedar.Request{
		Principal: principal.UID,
		Action:    entity(typeAction, do),
		Resource:  resource.UID,
		Context:   cedar.NewRecord(cedar.RecordMap{"now": cedar.NewDatetime(time.Now())}),
	}, pair{principal, resource}
}

func entity[ID ~string](t cedar.EntityType, id ID) cedar.EntityUID {
	return cedar.NewEntityUID(t, cedar.String(id))
}
