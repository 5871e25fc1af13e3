package access

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

var update = flag.Bool("update", false, "write docs/access.md anew")

func policy(t testing.TB) *Policy {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A state is how somebody comes: what differs from a fresh session with a second
// factor.
type state struct {
	name  string
	apply func(*Subject, *Resource)
}

func states() []state {
	return []state{
		{"a fresh session with a second factor", func(*Subject, *Resource) {}},
		{"a session of an hour", func(s *Subject, _ *Resource) { s.SignedIn = time.Now().Add(-time.Hour) }},
		{"a fresh session without the second factor that the organisation demands", func(s *Subject, r *Resource) {
			s.SecondFactor, r.DemandsSecondFactor = false, true
		}},
		{"a token of every scope", func(s *Subject, _ *Resource) {
			s.Token, s.Scopes, s.SignedIn = true, Scopes(), time.Time{}
		}},
		{"a token of no scope", func(s *Subject, _ *Resource) { s.Token, s.SignedIn = true, time.Time{} }},
		{"support after its grant", func(s *Subject, _ *Resource) { s.GrantUntil = time.Now().Add(-time.Second) }},
		{"nobody signed in", func(s *Subject, r *Resource) { *s = Subject{Organisation: s.Organisation, Role: s.Role}; r.Person = "" }},
	}
}

// question is somebody with a role in acme who asks for something there, at
// another organisation ("other"), or at none.
func question(role Role, do Action, where string, st state) (Subject, Resource) {
	s := Subject{Person: "ana", Organisation: "acme", Role: role, SecondFactor: true, SignedIn: time.Now()}
	if role == Support {
		s.GrantUntil = time.Now().Add(time.Hour)
	}
	r := Resource{Kind: do.Kind(), Organisation: map[string]string{"own": "acme", "other": "zeta"}[where], Person: "ana"}
	if where == "none" {
		s.Organisation, s.Role = "", ""
	}
	st.apply(&s, &r)
	return s, r
}

// TestTable writes who may do what down, and holds docs/access.md to it: a change
// of a policy shows there, line by line.
func TestTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := table(t, policy(t))
		const path = "../../docs/access.md"
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("docs/access.md is not what the policies say; look at the difference after: go test ./internal/access -update")
		}
	})
}

func table(t *testing.T, p *Policy) string {
	var b strings.Builder
	b.WriteString(`# Who may do what

Written by ` + "`go test ./internal/access -update`" + ` from the policies in [internal/access/policies](../internal/access/policies). Each table
holds one way to come, and each cell one decision: ` + "`yes`" + `, ` + "`–`" + ` where the role does not include it, or the reason that is in the way:
` + "`2nd`" + ` a second factor is missing, ` + "`again`" + ` the sign-in is older than 15 minutes, ` + "`scope`" + ` the token was not made for it, ` + "`in`" + ` nobody
signed in, ` + "`support`" + ` closed to support.

Support is the operator of the service and comes with a grant of the organisation. An account is one's own; nobody's else can be asked for.
`)
	short := map[Why]string{
		NotPermitted: "–", NeedsSecondFactor: "2nd", NeedsRecentSignIn: "again", "token-scope": "scope", NotSignedIn: "in",
		"support-sees-states-alone": "support", "support-needs-second-factor": "2nd",
	}
	for _, where := range []string{"own", "other", "none"} {
		title := map[string]string{"own": "In one's own organisation", "other": "In another organisation", "none": "In no organisation"}[where]
		fmt.Fprintf(&b, "\n## %s\n", title)
		for _, st := range states() {
			fmt.Fprintf(&b, "\n### With %s\n\n| |", st.name)
			for _, r := range Roles() {
				fmt.Fprintf(&b, " %s |", r)
			}
			b.WriteString("\n|---|" + strings.Repeat("---|", len(Roles())) + "\n")
			var nothing []string
			for _, do := range Actions() {
				row, any := "", false
				for _, role := range Roles() {
					d := p.Decide(args(role, do, where, st))
					cell := short[d.Why]
					if d.Allowed {
						cell = "yes"
					}
					if cell == "" {
						t.Errorf("%s, %s, %s: %s", role, do, st.name, d.Why)
					}
					any = any || cell != "–"
					row += " " + cell + " |"
				}
				if !any {
					nothing = append(nothing, string(do))
					continue
				}
				fmt.Fprintf(&b, "| %s |%s\n", do, row)
			}
			if len(nothing) > 0 {
				fmt.Fprintf(&b, "\nNo role may: %s.\n", strings.Join(nothing, ", "))
			}
		}
	}
	return b.String()
}

func args(role Role, do Action, where string, st state) (Subject, Action, Resource) {
	s, r := question(role, do, where, st)
	return s, do, r
}

// TestEveryPermitAsksForTheOrganisation: no policy permits anything without that
// the organisation of who asks is that of what is asked for. One's own account is
// of no organisation: there the person is compared.
func TestEveryPermitAsksForTheOrganisation(t *testing.T) {
	permits := 0
	for _, r := range policy(t).rules {
		if r.policy.Effect() != cedar.Permit {
			continue
		}
		permits++
		if err := guarded(r.policy); err != nil {
			t.Errorf("%s: %v", r.id, err)
		}
	}
	if permits < len(Roles())+1 {
		t.Errorf("%d permits were looked at", permits)
	}
}

func guarded(p *cedar.Policy) error {
	tree := (*ast.Policy)(p.AST())
	if scope, ok := tree.Resource.(ast.ScopeTypeIs); ok && scope.Type == types.EntityType(Account) {
		if demands(tree, ast.Principal().Equal(ast.Resource().Access("person"))) {
			return nil
		}
		return fmt.Errorf("it permits what is done with accounts without principal == resource.person")
	}
	if demands(tree, ast.Principal().Access("organisation").Equal(ast.Resource().Access("organisation"))) {
		return nil
	}
	return fmt.Errorf("it permits without principal.organisation == resource.organisation")
}

// demands reports whether a policy applies only if the condition holds: it must
// be a when, or be joined to all else in one by &&.
func demands(p *ast.Policy, condition ast.Node) bool {
	var joined func(n ast.IsNode) bool
	joined = func(n ast.IsNode) bool {
		if and, ok := n.(ast.NodeTypeAnd); ok {
			return joined(and.Left) || joined(and.Right)
		}
		return reflect.DeepEqual(n, condition.AsIsNode())
	}
	return slices.ContainsFunc(p.Conditions, func(c ast.ConditionType) bool { return bool(c.Condition) && joined(c.Body) })
}

// The analysis itself can fail: these policies leak.
func TestLeakingPermitsAreFound(t *testing.T) {
	for name, text := range map[string]string{
		"nothing asked":    `permit (principal in Role::"owner", action, resource);`,
		"or":               `permit (principal, action, resource) when { principal.organisation == resource.organisation || principal.token };`,
		"unless":           `permit (principal, action, resource) unless { principal.organisation == resource.organisation };`,
		"not":              `permit (principal, action, resource) when { !(principal.organisation == resource.organisation) };`,
		"with itself":      `permit (principal, action, resource) when { resource.organisation == resource.organisation };`,
		"anyone's account": `permit (principal, action, resource is Account) when { principal.organisation == resource.organisation };`,
	} {
		list, err := cedar.NewPolicyListFromBytes(name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if guarded(list[0]) == nil {
			t.Errorf("%s: it was not found", name)
		}
	}
}

// TestPoliciesNameWhatThereIs: a name with a slip permits nothing, and forbids
// nothing either.
func TestPoliciesNameWhatThereIs(t *testing.T) {
	known := map[types.EntityUID]bool{types.NewEntityUID(typePerson, ""): true}
	for _, a := range Actions() {
		known[types.NewEntityUID(typeAction, types.String(a))] = true
	}
	for _, r := range Roles() {
		known[types.NewEntityUID(typeRole, types.String(r))] = true
	}
	named := map[types.EntityUID]bool{}
	for _, r := range policy(t).rules {
		tree := (*ast.Policy)(r.policy.AST())
		var found []types.EntityUID
		for _, scope := range []any{tree.Principal, tree.Action, tree.Resource} {
			switch s := scope.(type) {
			case ast.ScopeTypeEq:
				found = append(found, s.Entity)
			case ast.ScopeTypeIn:
				found = append(found, s.Entity)
			case ast.ScopeTypeInSet:
				found = append(found, s.Entities...)
			}
		}
		for _, c := range tree.Conditions {
			ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
				if v, ok := n.(ast.NodeValue); ok {
					if id, ok := v.Value.(types.EntityUID); ok {
						found = append(found, id)
					}
				}
				return true
			})
		}
		for _, id := range found {
			if !known[id] {
				t.Errorf("%s names %s, which there is not", r.id, id)
			}
			named[id] = named[id] || r.policy.Effect() == cedar.Permit
		}
	}
	for _, a := range Actions() {
		if !named[types.NewEntityUID(typeAction, types.String(a))] {
			t.Errorf("no policy permits %q to anybody", a)
		}
	}
}

func TestRolesAreWhatIsPromised(t *testing.T) {
	p := policy(t)
	fresh := states()[0]
	may := func(role Role) (all []Action) {
		for _, do := range Actions() {
			if do.Kind() != Account && p.Decide(args(role, do, "own", fresh)).Allowed {
				all = append(all, do)
			}
		}
		return all
	}
	for role, want := range map[Role][]Action{
		Auditor: {ReadReports, ReadAuditLog, ReadAuditDetails},
		Support: {SeeStates},
		"":      nil,
		"king":  nil,
	} {
		if got := may(role); !slices.Equal(got, want) {
			t.Errorf("%q may %q, want %q", role, got, want)
		}
	}
	for _, no := range []Action{AddConnections, ChangeConnections, DeleteConnections, ReadPeople, ChangeRoles, ChangeInvitations, ReadAuditLog, ChangeTokens, DeleteMigrations} {
		if slices.Contains(may(Operator), no) {
			t.Errorf("an operator may %s", no)
		}
	}
	for _, yes := range []Action{StartRuns, PauseRuns, StopRuns, UndoRuns, MakeForecasts} {
		if !slices.Contains(may(Operator), yes) {
			t.Errorf("an operator may not %s", yes)
		}
	}
	for _, no := range []Action{DeleteOrganisation, ChangeOwners} {
		if slices.Contains(may(Administrator), no) {
			t.Errorf("an administrator may %s", no)
		}
	}
	for _, do := range Actions() {
		if do != SeeStates && do.Kind() != Account && !slices.Contains(may(Owner), do) {
			t.Errorf("an owner may not %s", do)
		}
	}
}

func TestDecide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := policy(t)
		ana := func(change func(*Subject)) Subject {
			s := Subject{Person: "ana", Organisation: "acme", Role: Owner, SecondFactor: true, SignedIn: time.Now()}
			change(&s)
			return s
		}
		same := func(*Subject) {}
		acme := func(k Kind) Resource { return Resource{Kind: k, Organisation: "acme"} }
		for name, c := range map[string]struct {
			who  Subject
			do   Action
			with Resource
			want Why
		}{
			"an owner":                             {ana(same), AddConnections, acme(Connections), "owner"},
			"just recent":                          {ana(func(s *Subject) { s.SignedIn = time.Now().Add(-15*time.Minute + time.Millisecond) }), AddConnections, acme(Connections), "owner"},
			"just not recent":                      {ana(func(s *Subject) { s.SignedIn = time.Now().Add(-15 * time.Minute) }), AddConnections, acme(Connections), NeedsRecentSignIn},
			"never may, so not asked again":        {ana(func(s *Subject) { s.Role, s.SignedIn = Operator, time.Time{} }), AddConnections, acme(Connections), NotPermitted},
			"the zero subject":                     {Subject{}, ReadAccount, Resource{Kind: Account}, NotSignedIn},
			"no organisation is not equal to none": {ana(func(s *Subject) { s.Organisation = "" }), ReadReports, Resource{Kind: Reports}, NotPermitted},
			"another kind":                         {ana(same), ReadReports, acme(Connections), NotOfThisKind},
			"no such action":                       {ana(same), "rule the world", acme(Reports), NotOfThisKind},
			"another's account":                    {ana(same), ReadAccount, Resource{Kind: Account, Person: "bo"}, NotPermitted},
			"own account without a second factor":  {ana(func(s *Subject) { s.SecondFactor = false }), ChangeAccount, Resource{Kind: Account, Person: "ana", DemandsSecondFactor: true}, "own-account"},
			"another's tokens as one's own":        {ana(same), ChangeOwnTokens, Resource{Kind: OwnTokens, Organisation: "acme", Person: "bo"}, NotPermitted},
			"a token for its scope":                {ana(func(s *Subject) { s.Token, s.Scopes = true, []Scope{ScopeRun} }), StartRuns, acme(Runs), "owner"},
			"a token beside its scope":             {ana(func(s *Subject) { s.Token, s.Scopes = true, []Scope{ScopeRun} }), UndoRuns, acme(Runs), "token-scope"},
			"a token beyond its person":            {ana(func(s *Subject) { s.Token, s.Scopes, s.Role = true, Scopes(), Auditor }), StartRuns, acme(Runs), NotPermitted},
			"support with a grant":                 {ana(func(s *Subject) { s.Role, s.GrantUntil = Support, time.Now().Add(time.Minute) }), SeeStates, acme(States), "support"},
			"support at the end of its grant":      {ana(func(s *Subject) { s.Role, s.GrantUntil = Support, time.Now() }), SeeStates, acme(States), NotPermitted},
			"support without a passkey": {ana(func(s *Subject) {
				s.Role, s.GrantUntil, s.SecondFactor = Support, time.Now().Add(time.Minute), false
			}), SeeStates, acme(States), "support-needs-second-factor"},
			"support, with another's grant": {ana(func(s *Subject) { s.Role, s.GrantUntil = Support, time.Now().Add(time.Minute) }), SeeStates, Resource{Kind: States, Organisation: "zeta"}, NotPermitted},
		} {
			d := p.Decide(c.who, c.do, c.with)
			if d.Why != c.want {
				t.Errorf("%s: %s, want %s", name, d.Why, c.want)
			}
			if d.Allowed != (d.Says == "") {
				t.Errorf("%s: allowed %v, and it says %q", name, d.Allowed, d.Says)
			}
		}
	})
}

// A policy that fails decides nothing, and a forbid that fails lets nobody pass.
func TestBadPolicies(t *testing.T) {
	const good = `@id("a") permit (principal, action, resource);`
	for name, c := range map[string]struct{ text, want string }{
		"no id":      {`permit (principal, action, resource);`, "has no @id"},
		"twice":      {good + good, "two policies"},
		"no reason":  {`@id("a") forbid (principal, action, resource);`, "does not say"},
		"no policy":  {`permit principal`, "parse"},
		"it is good": {good, ""},
	} {
		_, err := read(fstest.MapFS{"policies/a.cedar": {Data: []byte(c.text)}})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p, err := read(fstest.MapFS{"policies/a.cedar": {Data: []byte(good + `@id("b") @says("b") forbid (principal, action, resource) when { principal.nothing };`)}})
	if err != nil {
		t.Fatal(err)
	}
	if d := p.Decide(args(Owner, ReadReports, "own", states()[0])); d.Allowed || d.Why != PolicyCannotDecide {
		t.Errorf("got %+v", d)
	}
}

// TestFast: a decision takes less than 50 microseconds; ten times that here, where
// other tests may run beside it.
func TestFast(t *testing.T) {
	r := testing.Benchmark(BenchmarkDecide)
	if each := r.NsPerOp(); each > (500 * time.Microsecond).Nanoseconds() {
		t.Errorf("a decision takes %v", time.Duration(each))
	}
}

func BenchmarkDecide(b *testing.B) {
	p := policy(b)
	s := Subject{Person: "ana", Organisation: "acme", Role: Owner, SecondFactor: true, SignedIn: time.Now(), Token: true, Scopes: Scopes()}
	r := Resource{Kind: Runs, Organisation: "acme"}
	for b.Loop() {
		if !p.Decide(s, StartRuns, r).Allowed {
			b.Fatal("refused")
		}
	}
}
