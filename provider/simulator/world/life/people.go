package life

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"countersign/provider/simulator/world/chance"
)

// Someone makes up a person.
func Someone(r *rand.Rand, order int) Person {
	first := chance.Pick(r, "Ada", "Bela", "Chloé", "Dario", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jörg", "Kemi",
		"Lena", "Mihai", "Nadia", "Olek", "Pilar")
	last := chance.Pick(r, "Abara", "Brandt", "Cruz", "Dumont", "Eriksen", "Fischer", "Grigorescu", "Hansen", "Ito",
		"Jansen", "Kowalski", "López", "Meyer", "Novak", "O'Neil", "Petrov")
	plain := strings.NewReplacer("é", "e", "ö", "o", "ó", "o", "'", "").Replace(strings.ToLower(first + "." + last))
	return Person{
		Name: first + " " + last, Order: order, Status: "waiting",
		Email: fmt.Sprintf("%s%d@%s.example", plain, r.IntN(900)+100, chance.Pick(r, "north", "south", "east", "west")),
	}
}

// Title makes up what a transaction is called.
func Title(r *rand.Rand) string {
	return chance.Pick(r, "Lease", "Offer", "Framework agreement", "Non-disclosure agreement", "Kündigung & Übergabe",
		"Purchase order", "Employment contract", "<b>Bold</b> terms", "Loan", "Consent \"A\"") +
		" " + fmt.Sprint(r.IntN(9000)+1000)
}
