package console

import (
	"net/http"

	"github.com/sirupsen/logrus"

	"countersign/worker/console/login"
	"countersign/worker/console/look"
	"countersign/worker/console/problem"
)

// loginPage writes the page of a login.
func (s *Server) loginPage(w http.ResponseWriter, r *http.Request, status int, p login.Page) {
	err := s.look.Render(w, r, look.View{Page: "login", Title: s.look.Words(r).Say("nav.login"), Status: status,
		Sheet: true, Data: p})
	if err != nil {
		s.Log.WithFields(logrus.Fields{"request": problem.RequestID(r.Context()), "err": err}).Error("a page could not be made")
		problem.Of(http.StatusInternalServerError, "The log says why, by this id.").Write(w, r)
	}
}
