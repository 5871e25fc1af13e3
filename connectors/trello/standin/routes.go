package standin

import "net/http"

// newRoutes lists every route that this Trello answers.
func (s *Server) newRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"GET /1/batch":          s.batch,
		"GET /1/tokens/{token}": s.getToken,

		"GET /1/tokens/{token}/webhooks": s.tokenWebhooks,
		"POST /1/webhooks":               s.createWebhook,
		"GET /1/webhooks/{id}":           s.getWebhook,
		"PUT /1/webhooks/{id}":           s.updateWebhook,
		"DELETE /1/webhooks/{id}":        s.deleteWebhook,

		"GET /1/members/{id}":               s.getMember,
		"GET /1/members/{id}/boards":        s.memberBoards,
		"GET /1/members/{id}/organizations": s.memberOrgs,
		"GET /1/members/{id}/cards":         s.memberCards,
		"GET /1/members/{id}/actions":       s.memberActions,
		"GET /1/members/{id}/notifications": s.memberNotifications,
		"GET /1/notifications/{id}":         s.getNotification,
		"PUT /1/notifications/{id}":         s.updateNotification,

		"POST /1/organizations":                           s.createOrg,
		"GET /1/organizations/{id}":                       s.getOrg,
		"PUT /1/organizations/{id}":                       s.updateOrg,
		"DELETE /1/organizations/{id}":                    s.deleteOrg,
		"GET /1/organizations/{id}/boards":                s.orgBoards,
		"GET /1/organizations/{id}/members":               s.orgMembers,
		"GET /1/organizations/{id}/members/{filter}":      s.orgMembers,
		"PUT /1/organizations/{id}/members/{idMember}":    s.putOrgMember,
		"GET /1/organizations/{id}/memberships":           s.orgMemberships,
		"GET /1/organizations/{id}/actions":               s.orgActions,
		"DELETE /1/organizations/{id}/members/{idMember}": s.deleteOrgMember,

		"POST /1/boards":                           s.createBoard,
		"GET /1/boards/{id}":                       s.getBoard,
		"PUT /1/boards/{id}":                       s.updateBoard,
		"DELETE /1/boards/{id}":                    s.deleteBoard,
		"GET /1/boards/{id}/{field}":               s.getBoardField,
		"PUT /1/boards/{id}/{field}":               single("field", s.updateBoard),
		"GET /1/boards/{id}/lists":                 s.boardLists,
		"GET /1/boards/{id}/lists/{filter}":        s.boardLists,
		"POST /1/boards/{id}/lists":                s.createList,
		"GET /1/boards/{id}/cards":                 s.boardCards,
		"GET /1/boards/{id}/cards/{filter}":        s.boardCards,
		"GET /1/boards/{id}/labels":                s.boardLabels,
		"POST /1/boards/{id}/labels":               s.createLabel,
		"GET /1/boards/{id}/members":               s.boardMembers,
		"GET /1/boards/{id}/members/{filter}":      s.boardMembers,
		"PUT /1/boards/{id}/members":               s.inviteToBoard,
		"PUT /1/boards/{id}/members/{idMember}":    s.putBoardMember,
		"DELETE /1/boards/{id}/members/{idMember}": s.deleteBoardMember,
		"GET /1/boards/{id}/memberships":           s.boardMemberships,
		"GET /1/boards/{id}/checklists":            s.boardChecklists,
		"GET /1/boards/{id}/customFields":          s.boardFields,
		"GET /1/boards/{id}/actions":               s.boardActions,
		"GET /1/boards/{id}/pluginData":            s.boardPluginData,
		"GET /1/boards/{id}/boardPlugins":          s.boardPlugins,

		"POST /1/lists":                         s.createList,
		"GET /1/lists/{id}":                     s.getList,
		"PUT /1/lists/{id}":                     s.updateList,
		"PUT /1/lists/{id}/{field}":             single("field", s.updateList),
		"GET /1/lists/{id}/cards":               s.listCards,
		"GET /1/lists/{id}/cards/{filter}":      s.listCards,
		"GET /1/lists/{id}/board":               s.listBoard,
		"GET /1/lists/{id}/actions":             s.listActions,
		"POST /1/lists/{id}/archiveAllCards":    s.archiveAllCards,
		"POST /1/lists/{id}/moveAllCards":       s.moveAllCards,
		"POST /1/labels":                        s.createLabel,
		"GET /1/labels/{id}":                    s.getLabel,
		"PUT /1/labels/{id}":                    s.updateLabel,
		"PUT /1/labels/{id}/{field}":            single("field", s.updateLabel),
		"DELETE /1/labels/{id}":                 s.deleteLabel,
		"POST /1/cards":                         s.createCard,
		"GET /1/cards/{id}":                     s.getCard,
		"PUT /1/cards/{id}":                     s.updateCard,
		"DELETE /1/cards/{id}":                  s.deleteCard,
		"GET /1/cards/{id}/{field}":             s.getCardField,
		"PUT /1/cards/{id}/{field}":             single("field", s.updateCard),
		"GET /1/cards/{id}/board":               s.cardBoard,
		"GET /1/cards/{id}/list":                s.cardList,
		"GET /1/cards/{id}/members":             s.cardMembers,
		"GET /1/cards/{id}/checkItemStates":     s.cardItemStates,
		"GET /1/cards/{id}/pluginData":          s.cardPluginData,
		"POST /1/cards/{id}/idMembers":          s.addCardMember,
		"DELETE /1/cards/{id}/idMembers/{x}":    s.removeCardMember,
		"POST /1/cards/{id}/idLabels":           s.addCardLabel,
		"DELETE /1/cards/{id}/idLabels/{x}":     s.removeCardLabel,
		"GET /1/cards/{id}/membersVoted":        s.cardVoters,
		"POST /1/cards/{id}/membersVoted":       s.vote,
		"DELETE /1/cards/{id}/membersVoted/{x}": s.unvote,
		"GET /1/cards/{id}/stickers":            s.cardStickers,
		"POST /1/cards/{id}/stickers":           s.addSticker,
		"GET /1/cards/{id}/stickers/{x}":        s.getSticker,
		"PUT /1/cards/{id}/stickers/{x}":        s.updateSticker,
		"DELETE /1/cards/{id}/stickers/{x}":     s.deleteSticker,

		"GET /1/cards/{id}/attachments":        s.cardAttachments,
		"POST /1/cards/{id}/attachments":       s.addAttachment,
		"GET /1/cards/{id}/attachments/{x}":    s.getAttachment,
		"DELETE /1/cards/{id}/attachments/{x}": s.deleteAttachment,
		"PUT /1/cards/{id}/attachments/{x}":    s.updateAttachment,

		"GET /1/cards/{id}/checklists":                     s.cardChecklists,
		"POST /1/cards/{id}/checklists":                    s.createChecklist,
		"DELETE /1/cards/{id}/checklists/{x}":              s.deleteCardChecklist,
		"GET /1/cards/{id}/checkItem/{x}":                  s.getCardItem,
		"PUT /1/cards/{id}/checkItem/{x}":                  s.updateCardItem,
		"DELETE /1/cards/{id}/checkItem/{x}":               s.deleteCardItem,
		"PUT /1/cards/{id}/checklist/{list}/checkItem/{x}": s.updateCardItem,
		"POST /1/checklists":                               s.createChecklist,
		"GET /1/checklists/{id}":                           s.getChecklist,
		"PUT /1/checklists/{id}":                           s.updateChecklist,
		"PUT /1/checklists/{id}/{field}":                   single("field", s.updateChecklist),
		"DELETE /1/checklists/{id}":                        s.deleteChecklist,
		"GET /1/checklists/{id}/checkItems":                s.checkItems,
		"POST /1/checklists/{id}/checkItems":               s.createItem,
		"GET /1/checklists/{id}/checkItems/{x}":            s.getItem,
		"DELETE /1/checklists/{id}/checkItems/{x}":         s.deleteItem,
		"POST /1/customFields":                             s.createField,
		"GET /1/customFields/{id}":                         s.getField,
		"PUT /1/customFields/{id}":                         s.updateField,
		"DELETE /1/customFields/{id}":                      s.deleteField,
		"GET /1/customFields/{id}/options":                 s.fieldOptions,
		"POST /1/customFields/{id}/options":                s.addOption,
		"GET /1/customFields/{id}/options/{x}":             s.getOption,
		"DELETE /1/customFields/{id}/options/{x}":          s.deleteOption,
		"GET /1/cards/{id}/customFieldItems":               s.cardValues,
		"PUT /1/cards/{id}/customField/{field}/item":       s.putValue,
		"GET /1/cards/{id}/actions":                        s.cardActions,
		"POST /1/cards/{id}/actions/comments":              s.addComment,
		"PUT /1/cards/{id}/actions/{x}/comments":           s.updateComment,
		"DELETE /1/cards/{id}/actions/{x}/comments":        s.deleteComment,
		"GET /1/actions/{x}":                               s.getAction,
		"PUT /1/actions/{x}":                               s.updateComment,
		"PUT /1/actions/{x}/text":                          single("", s.updateComment),
		"DELETE /1/actions/{x}":                            s.deleteComment,
		"GET /1/actions/{x}/board":                         s.actionBoard,
		"GET /1/actions/{x}/card":                          s.actionCard,
		"GET /1/actions/{x}/list":                          s.actionList,
		"GET /1/actions/{x}/memberCreator":                 s.actionCreator,
		"GET /1/actions/{x}/reactions":                     s.reactions,
	} {
		mux.HandleFunc(pattern, s.route(h))
	}
	mux.HandleFunc("GET /1/cards/{id}/attachments/{x}/download/{file}", s.download)
	return mux
}

// single is a write of one field: PUT /cards/{id}/name?value=x is
// PUT /cards/{id}?name=x. With no name it writes "text".
func single(name string, h handler) handler {
	return func(q *call) (any, error) {
		v, ok := q.get("value")
		if !ok {
			return nil, invalid("value")
		}
		field := "text"
		if name != "" {
			field = q.r.PathValue(name)
		}
		q.vals[field] = v
		return h(q)
	}
}
