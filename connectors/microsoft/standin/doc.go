// Package standin is a Microsoft 365 tenant that runs in this process: sign-in,
// users and groups, Planner, group conversations, the drives of groups, people and
// sites, spoken as
// Microsoft Graph v1.0. It holds everything in memory and refuses what Graph
// refuses, with Graph's own status codes, error codes and header names.
//
// Where Microsoft's documentation says how something behaves, the code cites
// the page by its file in microsoftgraph/microsoft-graph-docs-contrib
// ("docs: planner-overview"); where only an issue tells, it cites the issue.
// What neither tells is said to be unsettled, and is an option where a
// connector might lean on it.
package standin
