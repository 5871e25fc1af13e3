package standin

import "strings"

// table lists every operation that the tenant serves below /v1.0.
func (s *Server) table() []route {
	var out []route
	on := func(method, path string, h func(*call) (answer, error)) {
		out = append(out, route{method, strings.Split(path, "/"), h})
	}
	s.mailRoutes(on)
	on("GET", "me", s.me)
	on("GET", "me/planner/tasks", s.listMyTasks)
	on("GET", "organization", s.organization)
	on("GET", "users", s.listUsers)
	on("GET", "users/{user}", s.getUser)

	on("GET", "groups", s.listGroups)
	on("POST", "groups", s.createGroup)
	on("GET", "groups/{group}", s.getGroup)
	on("PATCH", "groups/{group}", s.patchGroup)
	on("DELETE", "groups/{group}", s.deleteGroup)
	on("GET", "groups/{group}/members", s.listMembers)
	on("POST", "groups/{group}/members/$ref", s.addMember)
	on("DELETE", "groups/{group}/members/{user}/$ref", s.dropMember)
	on("GET", "groups/{group}/owners", s.listOwners)
	on("POST", "groups/{group}/owners/$ref", s.addOwner)
	on("DELETE", "groups/{group}/owners/{user}/$ref", s.dropOwner)

	on("GET", "groups/{group}/planner/plans", s.listPlans)
	on("POST", "planner/plans", s.createPlan)
	on("GET", "planner/plans/{plan}", s.getPlan)
	on("PATCH", "planner/plans/{plan}", s.patchPlan)
	on("DELETE", "planner/plans/{plan}", s.deletePlan)
	on("GET", "planner/plans/{plan}/details", s.getPlanDetails)
	on("PATCH", "planner/plans/{plan}/details", s.patchPlanDetails)
	on("GET", "planner/plans/{plan}/buckets", s.listBuckets)
	on("GET", "planner/plans/{plan}/tasks", s.listTasks)
	on("POST", "planner/buckets", s.createBucket)
	on("GET", "planner/buckets/{bucket}", s.getBucket)
	on("PATCH", "planner/buckets/{bucket}", s.patchBucket)
	on("DELETE", "planner/buckets/{bucket}", s.deleteBucket)
	on("GET", "planner/buckets/{bucket}/tasks", s.listBucketTasks)
	on("POST", "planner/tasks", s.createTask)
	on("GET", "planner/tasks/{task}", s.getTask)
	on("PATCH", "planner/tasks/{task}", s.patchTask)
	on("DELETE", "planner/tasks/{task}", s.deleteTask)
	on("GET", "planner/tasks/{task}/details", s.getDetails)
	on("PATCH", "planner/tasks/{task}/details", s.patchDetails)
	on("GET", "planner/tasks/{task}/bucketTaskBoardFormat", s.getBucketFormat)
	on("PATCH", "planner/tasks/{task}/bucketTaskBoardFormat", s.patchBucketFormat)
	on("GET", "planner/tasks/{task}/progressTaskBoardFormat", s.getProgressFormat)
	on("PATCH", "planner/tasks/{task}/progressTaskBoardFormat", s.patchProgressFormat)
	on("GET", "planner/tasks/{task}/assignedToTaskBoardFormat", s.getAssignedFormat)
	on("PATCH", "planner/tasks/{task}/assignedToTaskBoardFormat", s.patchAssignedFormat)

	on("GET", "groups/{group}/conversations", s.listConversations)
	on("GET", "groups/{group}/conversations/{conversation}", s.getConversation)
	for _, at := range []string{"groups/{group}/threads", "groups/{group}/conversations/{conversation}/threads"} {
		on("GET", at, s.listThreads)
		on("GET", at+"/{thread}", s.getThread)
		on("DELETE", at+"/{thread}", s.deleteThread)
		on("POST", at+"/{thread}/reply", s.reply)
		on("GET", at+"/{thread}/posts", s.listPosts)
		on("GET", at+"/{thread}/posts/{post}", s.getPost)
	}
	on("POST", "groups/{group}/threads", s.createThread)

	on("GET", "drives/{drive}", s.getDrive)
	for _, at := range []string{"drives/{drive}/root", "drives/{drive}/root/{path}", "drives/{drive}/items/{item}", "drives/{drive}/items/{item}/{path}"} {
		on("GET", at, s.getItem)
		on("PATCH", at, s.patchItem)
		on("DELETE", at, s.deleteItem)
		on("PUT", at, s.commitFrom)
		on("GET", at+"/children", s.listChildren)
		on("POST", at+"/children", s.createFolder)
		on("GET", at+"/content", s.getContent)
		on("POST", at+"/createUploadSession", s.createUploadSession)
		on("GET", at+"/permissions", s.listPermissions)
		on("POST", at+"/invite", s.invite)
		on("PATCH", at+"/permissions/{permission}", s.patchPermission)
		on("DELETE", at+"/permissions/{permission}", s.deletePermission)
	}
	on("GET", "drives/{drive}/root/delta", s.delta)
	on("GET", "sites", s.listSites)
	on("GET", "sites/{site}", s.getSite)
	on("GET", "sites/{site}/{path}", s.getSite)
	on("GET", "sites/{site}/drives", s.listDrives)
	return out
}
