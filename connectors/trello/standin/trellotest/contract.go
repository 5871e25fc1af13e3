// Package trellotest holds exchanges with Trello, or with its stand-in, against
// Trello's published contract, for tests.
package trellotest

import (
	"regexp"
	"testing"

	"github.com/rialto-migrate/rialto/connector/connectortest"
)

// Contract loads Trello's contract with the reviewed list of its holes. It
// skips the test where the contract is not there.
func Contract(t testing.TB) *connectortest.Contract {
	t.Helper()
	return connectortest.OpenAPI(t, connectortest.Shared(t, "contracts", "trello", "trello-swagger.v3.json"), connectortest.ContractRules{
		Base: "/1",
		// Downloads are served under the address that an attachment tells; the
		// contract does not list them.
		Skip: regexp.MustCompile(`^/$|/download/[^/]+$`),
		// "Query parameters may also be replaced with a JSON request body"
		// (https://developer.atlassian.com/cloud/trello/rest/api-group-cards/).
		BodyIsQuery: true,
		Params:      nestedParams,
		Exceptions:  holes(),
	})
}

// nestedParams are credentials, and the parameters of nested resources, which
// the contract refers to another page for
// (https://developer.atlassian.com/cloud/trello/guides/rest-api/nested-resources/).
var nestedParams = regexp.MustCompile(`^(key|token|fields|filter|limit|before|since|page|format|` +
	`(board|card|list|label|member|checklist|checkItem|organization|action|attachment|customField|sticker|memberCreator)_(fields|attachments|attachment_fields|checklists|checklist_fields|checkItem_fields|customFieldItems|members|member_fields|stickers|sticker_fields|pluginData|memberCreator|memberCreator_fields|member|reactions)|` +
	`(cards|labels|lists|actions)_(limit|before|since|filter|format|page|fields)|` +
	`attachments|checklists|checkItems|customFieldItems|customFields|members|membersVoted|memberships|stickers|pluginData|labels|lists|cards|actions|organization|memberCreator|member|reactions|idModels|board|list)$`)
