package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/rialto-migrate/rialto/connector"
)

func (s *shell) connect() *cobra.Command {
	var name, url string
	var set []string
	var signIn bool
	cmd := &cobra.Command{
		Use:   "connect CLOUD --name NAME [--url URL] [--set key=value]…",
		Short: "Seal a way into a cloud: tries the credentials, says who they are, and keeps them encrypted",
		Long:  s.connectHelp(),
		Example: `  rialto connect trello --name acme-trello
  rialto connect trello --name old --set export=board.json --set comments=actions.json --set attachments=files/
  rialto connect planner --name acme-m365 --sign-in
  rialto connect redmine --name tracker --url https://redmine.example.org --set key=-  < key.txt`,
		Args: args(1, "the name of a cloud"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if name == "" {
				return usage{errors.New("connect needs --name: what the connection is to be called")}
			}
			a, err := s.app(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			c, err := a.Connector(args[0])
			if err != nil {
				return usage{err}
			}
			values := map[string]string{}
			for _, kv := range set {
				k, v, ok := strings.Cut(kv, "=")
				if !ok {
					return usage{fmt.Errorf("--set takes key=value, not %q", kv)}
				}
				values[k] = v
			}
			if url != "" {
				values[connector.SettingURL] = url
			}
			if err := s.ask(c.Manifest(), values, signIn); err != nil {
				return err
			}
			if signIn {
				values, err = a.SignIn(cmd.Context(), args[0], values, func(url, code string) {
					if s.json {
						s.line(map[string]any{"event": "sign-in", "url": url, "code": code})
					}
					s.say("Open %s and type the code %s.", url, code)
				})
				if err != nil {
					return err
				}
			}
			id, err := a.Connect(cmd.Context(), name, args[0], values)
			if err != nil {
				return err
			}
			s.identity(name, id)
			return nil
		},
		ValidArgs: s.cloudNames(),
	}
	cmd.Flags().StringVar(&name, "name", "", "what the connection is called in migration files")
	cmd.Flags().StringVar(&url, "url", "", "where the cloud is, for a server of your own, a national cloud or a stand-in")
	cmd.Flags().BoolVar(&signIn, "sign-in", false, "sign in as a person, on a page of the cloud's own, instead of giving secrets")
	cmd.Flags().StringArrayVar(&set, "set", nil, "a setting, `key=value`; the value - reads it from standard input")
	return cmd
}

func (s *shell) cloudNames() []string {
	var names []string
	for _, c := range s.Connectors {
		names = append(names, c.Manifest().Name)
	}
	return names
}

func (s *shell) connectHelp() string {
	var b strings.Builder
	b.WriteString(`Secrets are asked for on the terminal, or read from standard input (--set key=-),
or from the environment (RIALTO_<CLOUD>_<KEY>), so that they stand in no history.

Clouds and their settings:
`)
	for _, c := range s.Connectors {
		m := c.Manifest()
		fmt.Fprintf(&b, "\n  %s — %s\n", m.Name, m.Title)
		for _, set := range m.Settings {
			kind := ""
			if set.Secret {
				kind = " (secret)"
			}
			fmt.Fprintf(&b, "    %-14s %s%s\n", set.Name, set.Help, kind)
		}
	}
	return b.String()
}

// ask fills what is missing from the environment, standard input or the
// terminal.
func (s *shell) ask(m connector.Manifest, values map[string]string, signIn bool) error {
	in := bufio.NewReader(s.In)
	fromFile := false
	for _, set := range m.Settings {
		fromFile = fromFile || set.Path && values[set.Name] != ""
	}
	for _, set := range m.Settings {
		if values[set.Name] == "-" {
			line, err := in.ReadString('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				return fmt.Errorf("%s cannot be read from standard input: %w", set.Name, err)
			}
			values[set.Name] = strings.TrimSpace(line)
		}
		if values[set.Name] == "" {
			values[set.Name] = s.Getenv(strings.ToUpper("RIALTO_" + m.Name + "_" + strings.ReplaceAll(set.Name, "-", "_")))
		}
		if values[set.Name] == "" && !set.Optional && !set.Path && !fromFile && !(signIn && set.Secret) && set.Name != connector.SettingURL {
			v, err := s.prompt(set)
			if err != nil {
				return err
			}
			values[set.Name] = v
		}
		if values[set.Name] == "" {
			delete(values, set.Name)
		}
	}
	return nil
}

// prompt asks on the terminal; a secret is not shown while it is typed.
func (s *shell) prompt(set connector.Setting) (string, error) {
	f, ok := s.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", usage{fmt.Errorf("%s is missing: %s; give it with --set %s=…, or --set %s=- on standard input", set.Name, set.Help, set.Name, set.Name)}
	}
	fmt.Fprintf(s.Err, "%s (%s): ", set.Name, set.Help)
	if set.Secret {
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(s.Err)
		return strings.TrimSpace(string(b)), err
	}
	line, err := bufio.NewReader(f).ReadString('\n')
	return strings.TrimSpace(line), err
}

func (s *shell) identity(name string, id connector.Identity) {
	if s.json {
		s.done(map[string]any{"status": "connected", "connection": name, "id": id.ID, "name": id.Name, "account": id.Account, "rights": id.Rights, "missing": id.Missing})
		return
	}
	s.say("%s is %s%s.", name, id.Name, at(id.Account))
	for _, r := range id.Rights {
		s.say("  may   %s", r)
	}
	for _, r := range id.Missing {
		s.say("  lacks %s", r)
	}
}

func at(account string) string {
	if account == "" {
		return ""
	}
	return " at " + account
}
