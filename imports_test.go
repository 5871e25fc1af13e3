package rialto_test

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/rialto-migrate/rialto/"

// The house rules of docs/design.md, held against what the packages really
// import, tests left out.
func TestLayers(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	rules := []struct {
		of, never, why string
		but            []string
	}{
		{of: "item", never: "", why: "item is the vocabulary of all; it rests on the standard library alone"},
		{of: "connector", never: "internal/", why: "the contract knows no engine"},
		{of: "connector", never: "connectors/", why: "the contract knows no cloud"},
		{of: "connectors/", never: "internal/", why: "a connector knows the contract and nothing of the engine around it"},
		{of: "connectors/imap/wire", never: "connector/", why: "the protocol knows nothing of what moves"},
		{of: "connectors/ftps/wire", never: "connector/", why: "the protocol knows nothing of what moves"},
		{of: "internal/migrate", never: "connectors/", why: "the engine knows kinds and contracts, no cloud"},
		{of: "internal/migrate", never: "internal/store", why: "the engine reaches the ledger through its interface"},
		{of: "internal/migrate", never: "internal/mover", why: "the engine does not know in which process it runs"},
		{of: "internal/pace", never: "internal/", why: "the pace is pure: it rests on the standard library alone"},
		{of: "internal/ledger", never: "internal/", why: "the ledger's words rest on items alone", but: []string{"internal/ledger"}},
		{of: "internal/store", never: "internal/migrate", why: "what is remembered does not depend on how it is used"},
		{of: "internal/access", never: "internal/", why: "who may do what is decided by policies alone", but: []string{"internal/access"}},
		{of: "internal/audit", never: "internal/", why: "the log reaches its rows and keys through interfaces", but: []string{"internal/audit"}},
		{of: "internal/cli", never: "connectors/", why: "faces are given connectors, they do not import them"},
		{of: "internal/account", never: "internal/web", why: "accounts know no pages"},
		{of: "internal/account", never: "net/http", why: "accounts know no HTTP"},
		{of: "internal/web", never: "connectors/", why: "faces are given connectors, they do not import them"},
		{of: "internal/web/look", never: "internal/", why: "the look knows what is shown, and nothing of where it comes from"},
		{of: "internal/", never: "internal/web/browsertest", why: "tests alone drive a browser"},
		{of: "internal/cli", never: "database/sql", why: "SQL stays in internal/store"},
	}
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		pkg = strings.TrimPrefix(pkg, module)
		for _, imp := range strings.Fields(imports) {
			if own, ours := strings.CutPrefix(imp, module); ours && apart(vendor(pkg), vendor(own)) {
				t.Errorf("%s imports %s: one vendor's folder never imports another's", pkg, own)
			}
		}
		for _, rule := range rules {
			if pkg != strings.TrimSuffix(rule.of, "/") && !strings.HasPrefix(pkg, strings.TrimSuffix(rule.of, "/")+"/") {
				continue
			}
			for _, imp := range strings.Fields(imports) {
				own, ours := strings.CutPrefix(imp, module)
				if !ours && rule.never == imp || ours && strings.HasPrefix(own+"/", rule.never) && !allowed(own, rule.but) && !strings.HasPrefix(own, "item") {
					t.Errorf("%s imports %s: %s", pkg, own, rule.why)
				}
			}
		}
	}
}

func allowed(pkg string, but []string) bool {
	for _, b := range but {
		if strings.HasPrefix(pkg, b) {
			return true
		}
	}
	return false
}

// SQL is written in one package only.
func TestSQLStaysInStore(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, driver := range []string{"database/sql", "github.com/ncruces/go-sqlite3", "github.com/jackc/pgx"} {
			if strings.Contains(" "+imports, " "+driver) && !strings.HasPrefix(pkg, module+"internal/store") && !strings.HasPrefix(pkg, module+"bench") {
				t.Errorf("%s imports %s: SQL stays in internal/store", pkg, driver)
			}
		}
	}
}

// vendor is the folder below connectors/ in which a package lies; "" for another one,
// and for those that tests alone use.
func vendor(pkg string) string {
	below, ok := strings.CutPrefix(pkg, "connectors/")
	if !ok || strings.HasSuffix(pkg, "test") {
		return ""
	}
	name, _, _ := strings.Cut(below, "/")
	return name
}

// apart reports whether two folders are of two vendors: those that several share, or
// that know all, are of none.
func apart(a, b string) bool {
	return a != b && a != "" && b != "" && a != "pairs" && a != "demo" && b != "mail" && b != "oauth"
}
