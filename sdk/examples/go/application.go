package main

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	api "safeconduct.example/gen/safeconduct/applications/v1"
)

// details returns the content of the application. The signatory signs the code of conduct later,
// with the private half of signatoryKey.
func details(signatoryKey []byte) *api.ApplicationDetails {
	applicant := organisation("applicant", "Example Model Access Inc.", "US",
		api.Sector_SECTOR_COMMERCIAL, api.PartyRole_PARTY_ROLE_APPLICANT)
	endUser := organisation("end-user", "Example Teaching Hospital", "DE",
		api.Sector_SECTOR_HEALTHCARE, api.PartyRole_PARTY_ROLE_END_USER)
	signatory := &api.Party{
		PartyId: "signatory", Name: "Authorised Signatory of Example Teaching Hospital",
		Kind: api.PartyKind_PARTY_KIND_PERSON, Country: "DE",
		Roles: []api.PartyRole{api.PartyRole_PARTY_ROLE_SIGNATORY},
		SigningAuthority: &api.SigningAuthority{
			PublicKey: signatoryKey, IsAuthorized: true, BindsPartyId: endUser.PartyId},
	}
	return &api.ApplicationDetails{
		Parties: []*api.Party{applicant, endUser, signatory},
		Items: []*api.Item{{ModelId: "example-frontier-1",
			AccessMode: api.AccessMode_ACCESS_MODE_HOSTED_ACCESS}},
		Destinations: []string{"DE"},
		EndUses:      []api.EndUse{api.EndUse_END_USE_HEALTHCARE},
		EndUserStatement: &api.EndUserStatement{
			PartyId: endUser.PartyId, SignedAt: timestamppb.New(time.Now().AddDate(0, 0, -14)),
			Text: "The model drafts discharge letters. A clinician reads every text before use."},
		SafeguardStatement: &api.SafeguardStatement{
			Text: "Hosted access with refusal training and misuse monitoring."},
		ValidityDays:         365,
		MonthlyMillionTokens: 100,
		Declaration: &api.Declaration{
			IsTrueAndComplete: true, DeclaredByPartyId: applicant.PartyId},
	}
}

func organisation(
	id, name, country string, sector api.Sector, role api.PartyRole,
) *api.Party {
	return &api.Party{PartyId: id, Name: name, Country: country, Sector: sector,
		Kind: api.PartyKind_PARTY_KIND_ORGANISATION, Roles: []api.PartyRole{role}}
}
