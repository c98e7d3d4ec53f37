package dkim

// Provider is somebody who signs mail for others, with the same selectors for
// all of them.
type Provider struct {
	Name      string
	Selectors []string // the first are the likeliest; empty where each customer has other ones
	// SPF, MX and Targets are names at or below which its SPF records, mail
	// servers and DKIM keys stand.
	SPF, MX, Targets []string
}

// Common are the selectors asked for where nothing suggests a provider: the
// most frequent ones, of programs and of services that need no SPF record. Those
// of the large mail providers are asked for where MX or SPF lead to them.
var Common = []string{"default", "dkim", "mail", "s1", "k1"}

// Providers is what is known. Selectors are facts that their users found in
// messages and instructions; a selector proves nothing about who uses it.
var Providers = []Provider{
	{"Google Workspace", w("google"), w("_spf.google.com"), w("google.com", "googlemail.com"), nil},
	{"Microsoft 365", w("selector1", "selector2"), w("spf.protection.outlook.com"),
		w("mail.protection.outlook.com", "mx.microsoft"), w("onmicrosoft.com", "dkim.mail.microsoft")},
	{"Apple iCloud+", w("sig1"), w("icloud.com"), w("mail.icloud.com"), w("icloudmailadmin.com")},
	{"Fastmail", w("fm1", "fm2", "fm3", "mesmtp"), w("messagingengine.com"), w("messagingengine.com"), w("fmhosted.com", "messagingengine.com")},
	{"Proton Mail", w("protonmail", "protonmail2", "protonmail3"), w("protonmail.ch"), w("protonmail.ch"), w("proton.ch")},
	{"Tuta", w("s1", "s2"), w("tutanota.de"), w("tutanota.de"), w("tutanota.de")},
	{"Zoho Mail", w("zmail", "zoho"), w("zoho.com", "zoho.eu", "zoho.in", "zohomail.com"), w("zoho.com", "zoho.eu", "zoho.in"), nil},
	{"mailbox.org", w("mbo0001", "mbo0002", "mbo0003", "mbo0004"), w("mailbox.org"), w("mailbox.org"), w("mailbox.org")},
	{"Migadu", w("key1", "key2", "key3"), w("migadu.com"), w("migadu.com"), w("migadu.com")},
	{"Purelymail", w("purelymail1", "purelymail2", "purelymail3"), w("purelymail.com"), w("purelymail.com"), w("purelymail.com")},
	{"Soverin", w("soverin"), w("soverin.net"), w("soverin.net"), w("soverin.net")},
	{"Yandex 360", w("mail"), w("yandex.net", "yandex.ru"), w("yandex.net", "yandex.ru"), nil},
	{"Mail.ru", w("mailru"), w("mail.ru"), w("mail.ru"), nil},
	{"Yahoo", w("s1024", "s2048"), w("yahoo.com"), w("yahoodns.net"), nil},
	{"Titan", w("titan1", "titan2"), w("titan.email"), w("titan.email"), nil},
	{"IONOS", w("s1-ionos", "s2-ionos", "s42582890"), w("ionos.com", "perfora.net", "kundenserver.de"),
		w("ionos.com", "ionos.de", "ionos.co.uk", "ionos.fr", "ionos.es", "kundenserver.de"), w("dkim.ionos.com")},
	{"Strato", w("strato-dkim-0002", "strato-dkim-0003"), w("strato.com", "strato.de"), w("rzone.de"), w("strato.de")},
	{"TransIP", w("transip-a", "transip-b", "transip-c"), w("transip.email"), w("transip.email"), w("transip.email")},
	{"Hostinger", w("hostingermail-a", "hostingermail-b", "hostingermail-c"), w("mail.hostinger.com"), w("hostinger.com"), w("mail.hostinger.com")},
	{"Gandi", w("gm1", "gm2", "gm3"), w("gandi.net"), w("gandi.net"), w("gandimail.net")},
	{"Hetzner", w("dkim"), w("your-server.de"), w("your-server.de"), nil},
	{"OVHcloud", nil, w("mx.ovh.com"), w("mail.ovh.net"), w("mail.ovh.net")},
	{"Namecheap", w("default"), w("privateemail.com", "registrar-servers.com"), w("privateemail.com", "registrar-servers.com"), nil},
	{"cPanel and Plesk", w("default"), nil, nil, nil},
	{"own mail servers", w("mail", "dkim", "default", "dkim1", "dkim2", "email", "key", "main", "smtp", "mx", "x", "s", "dk"), nil, nil, nil},
	{"Cloudflare Email Routing", w("cf2024-1"), w("mx.cloudflare.net"), w("mx.cloudflare.net"), nil},
	{"ImprovMX", w("dkimprovmx1", "dkimprovmx2"), w("improvmx.com"), w("improvmx.com"), w("improvmx.com")},
	{"SimpleLogin", w("dkim", "dkim02", "dkim03"), w("simplelogin.co"), w("simplelogin.co"), w("simplelogin.co")},
	{"addy.io", w("dk1", "dk2"), w("anonaddy.me", "addy.io"), w("anonaddy.me", "addy.io"), w("anonaddy.me", "addy.io")},
	{"MXVault", w("mxvault"), nil, nil, nil},
	{"MailChannels", w("mailchannels"), w("mailchannels.net"), nil, nil},

	{"SendGrid", w("s1", "s2", "smtpapi"), w("sendgrid.net"), nil, w("sendgrid.net")},
	{"Mailchimp", w("k1", "k2", "k3"), w("mcsv.net"), nil, w("mcsv.net")},
	{"Mandrill", w("mandrill", "mte1", "mte2"), w("mandrillapp.com"), nil, w("mandrillapp.com")},
	{"Mailgun", w("pdk1", "pdk2", "mailo", "pic", "smtp", "mx", "k1", "krs"), w("mailgun.org"), w("mailgun.org"), w("mailgun.org")},
	{"Amazon SES", nil, w("amazonses.com"), w("amazonaws.com"), w("dkim.amazonses.com")},
	{"Postmark", w("pm"), w("mtasv.net"), nil, w("mtasv.net")},
	{"SparkPost", nil, w("sparkpostmail.com"), nil, w("sparkpostmail.com")},
	{"Mailjet", w("mailjet"), w("mailjet.com"), nil, w("mailjet.com")},
	{"Brevo", w("brevo1", "brevo2", "mail", "sib"), w("sendinblue.com", "brevo.com"), nil, w("brevo.com", "sendinblue.com")},
	{"SMTP2GO", nil, w("smtp2go.com"), nil, w("dkim.smtp2go.net")},
	{"Elastic Email", w("api"), w("elasticemail.com"), nil, nil},
	{"turboSMTP", w("turbo-smtp"), w("turbo-smtp.com"), nil, w("turbo-smtp.com")},
	{"Resend", w("resend"), nil, nil, nil},
	{"Everlytic", w("everlytickey1", "everlytickey2", "eversrv"), w("everlytic.net"), nil, w("everlytic.net")},
	{"Campaign Monitor", w("cm"), w("createsend.com"), nil, w("createsend.com")},
	{"HubSpot", w("hs1", "hs2"), w("hubspotemail.net"), nil, w("hubspotemail.net", "hubspot.com")},
	{"ActiveCampaign", w("acdkim1", "acdkim2"), w("emsd1.com"), nil, w("acems1.com", "acems2.com", "acems3.com", "acems4.com")},
	{"Klaviyo", w("kl", "kl2"), w("klaviyo.com"), nil, w("klaviyomail.com")},
	{"Kit", w("cka", "cka2"), nil, nil, w("convertkit.com")},
	{"AWeber", w("aweber_key_a", "aweber_key_b", "aweber_key_c"), w("aweber.com"), nil, w("aweber.com")},
	{"Constant Contact", w("ctct1", "ctct2"), w("ccsend.com", "constantcontact.com"), nil, w("ccsend.com")},
	{"MailerLite", w("litesrv", "ml"), w("mlsend.com"), nil, w("mlsend.com")},
	{"Marketo", w("m1"), w("mktomail.com"), nil, w("mktomail.com")},
	{"Salesforce", w("200608", "pardot"), w("salesforce.com", "exacttarget.com", "pardot.com"), nil, w("salesforce.com", "exacttarget.com")},
	{"Sailthru", w("mt"), w("sailthru.com"), nil, w("sailthru.com")},
	{"Dotdigital", w("dkim1024"), w("dotmailer.com", "dotdigital.com"), nil, w("dotmailer.com")},

	{"Zendesk", w("zendesk1", "zendesk2"), w("zendesk.com"), nil, w("zendesk.com")},
	{"Intercom", w("intercom"), w("intercom.io"), nil, w("intercom.io")},
	{"Freshdesk", w("fwdkim1", "fd", "fd2"), w("freshdesk.com", "freshemail.io"), nil, w("freshdesk.com", "freshemail.io")},
	{"Help Scout", w("strong1", "strong2"), w("helpscoutemail.com"), nil, w("helpscout.net")},
	{"Atlassian", w("s1", "s2"), w("atlassian.net"), nil, w("atlassian.net")},
}

func w(names ...string) []string { return names }
