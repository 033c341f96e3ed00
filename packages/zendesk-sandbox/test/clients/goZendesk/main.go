// Ordinary calls of go-zendesk, a client library that was written for the real Zendesk, against the sandbox.
//
// goZendesk ADDRESS TOKEN: prints one line a call, and ends with 1 at the first that goes wrong.
package main

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"time"

	"github.com/nukosuke/go-zendesk/zendesk"
)

var ctx = context.Background()

func check(name string, found, expected any) {
	if !reflect.DeepEqual(found, expected) {
		fmt.Printf("%s: found %v, expected %v\n", name, found, expected)
		os.Exit(1)
	}
	fmt.Printf("%s: as expected\n", name)
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return value
}

func first[T, P any](value T, _ P, err error) T { return must(value, err) }

// Reads all pages of a list, of two records each, by cursors or by numbers.
func all[T any](list func(context.Context, *zendesk.PaginationOptions) *zendesk.Iterator[T], id int64, cursors bool) int {
	options := zendesk.NewPaginationOptions()
	options.PageSize, options.IsCBP, options.Id = 2, cursors, id
	count := 0
	for pages := list(ctx, options); pages.HasMore(); {
		count += len(must(pages.GetNext()))
	}
	return count
}

func people(c *zendesk.Client, run string) (zendesk.Organization, zendesk.User) {
	org := must(c.CreateOrganization(ctx, zendesk.Organization{Name: run}))
	user := must(c.CreateUser(ctx, zendesk.User{Name: "Go", Email: run + "@x.example", OrganizationID: org.ID}))
	check("AddUserTags", must(c.AddUserTags(ctx, user.ID, []zendesk.Tag{"b", "a"})), []zendesk.Tag{"a", "b"})
	check("AddOrganizationTags", must(c.AddOrganizationTags(ctx, org.ID, []zendesk.Tag{"o"})), []zendesk.Tag{"o"})
	agents := first(c.GetUsers(ctx, &zendesk.UserListOptions{Roles: []string{"agent", "admin"}}))
	check("GetUsers", len(agents), 4)
	group := must(c.CreateGroup(ctx, zendesk.Group{Name: run}))
	check("CreateGroup", time.Since(group.CreatedAt) < time.Hour, true)
	memberships := first(c.GetGroupMemberships(ctx, &zendesk.GroupMembershipListOptions{UserID: agents[0].ID}))
	check("GetGroupMemberships", []bool{len(memberships) == 1, memberships[0].Default}, []bool{true, true})
	field := must(c.CreateUserField(ctx, zendesk.UserField{Key: "go", Type: "text", Title: "Go"}))
	check("GetUserFields", first(c.GetUserFields(ctx, nil))[0].ID, field.ID)
	return org, user
}

func tickets(c *zendesk.Client, org zendesk.Organization, user zendesk.User) {
	problem := must(c.CreateTicket(ctx, zendesk.Ticket{
		Subject: org.Name, Type: "problem", RequesterID: user.ID, Comment: &zendesk.TicketComment{Body: "It smokes"},
	}))
	check("CreateTicket", []any{problem.OrganizationID, problem.Tags}, []any{org.ID, []string{"a", "b", "o"}})
	must(c.CreateTicket(ctx, zendesk.Ticket{
		Type: "incident", ProblemID: problem.ID, Comment: &zendesk.TicketComment{Body: "Here, too"},
	}))
	check("GetTicket", must(c.GetTicket(ctx, problem.ID)).HasIncidents, true)
	stamp := must(c.GetTicket(ctx, problem.ID)).UpdatedAt
	change := zendesk.Ticket{Priority: "high", SafeUpdate: true, UpdatedStamp: stamp}
	check("UpdateTicket", must(c.UpdateTicket(ctx, problem.ID, change)).Priority, "high")
	must(c.CreateTicketComment(ctx, problem.ID, zendesk.NewPrivateTicketComment("A note", problem.RequesterID)))
	for _, cursors := range []bool{true, false} {
		check("GetTicketComments", all(c.GetTicketCommentsIterator, problem.ID, cursors), 2)
		check("GetTicketAudits", all(c.GetTicketAuditsIterator, problem.ID, cursors), 3)
		check("GetOrganizationTickets", all(c.GetOrganizationTicketsIterator, org.ID, cursors), 1)
	}
	check("GetTicketMetricByTicket", must(c.GetTicketMetricByTicket(ctx, problem.ID)).Replies, 0)
	check("GetUserRelated", must(c.GetUserRelated(ctx, user.ID)).RequestedTickets, int64(1))
	check("SearchCount", must(c.SearchCount(ctx, &zendesk.CountOptions{Query: "type:ticket " + org.Name})), 1)
	must(0, c.DeleteTicket(ctx, problem.ID))
	_, err := c.GetTicket(ctx, problem.ID)
	check("GetTicket, deleted", err != nil, true)
}

func main() {
	client := must(zendesk.NewClient(nil))
	must(0, client.SetEndpointURL(os.Args[1]+"/api/v2"))
	client.SetCredential(zendesk.NewBearerTokenCredential(os.Args[2]))
	org, user := people(client, fmt.Sprintf("go%d", time.Now().UnixNano()))
	tickets(client, org, user)
}
