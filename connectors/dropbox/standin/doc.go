// Package standin is a local Dropbox: a server with state that speaks the calls of
// Dropbox's API which move files, folders and who may see them, as its contract
// (https://github.com/dropbox/dropbox-api-spec) and its documentation
// (https://www.dropbox.com/developers/documentation/http/documentation) tell, and
// refuses what Dropbox refuses.
//
// An account of its own is a single home; AddTeam makes a team with a team space, in
// which each member's home is a folder beside the team folders
// (https://developers.dropbox.com/dbx-team-files-guide).
package standin
