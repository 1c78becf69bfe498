// The rules of sip/check.h, each named once: what is wrong, how bad it is, and which clause says
// so.
//
// error: a MUST or the grammar is broken. warning: a SHOULD. note: allowed, worth knowing.
#pragma once

#include "libsipana/sip/check.h"

namespace sipana::sip::rule {

using enum Severity;

// The text as a whole (RFC 3261 7).
inline constexpr Rule version{"sip-version", error, "RFC 3261 7.1", "the version is not SIP/2.0"};
inline constexpr Rule start_line_space{
    "sip-start-line-space", error, "RFC 3261 7.1",
    "the parts of the start line are not separated by one space each, or a space follows the last"};
inline constexpr Rule request_uri_missing{"sip-request-uri-missing", error, "RFC 3261 7.1",
                                          "the request line has no Request-URI"};
inline constexpr Rule request_uri_brackets{"sip-request-uri-brackets", error, "RFC 3261 7.1",
                                           "the Request-URI stands in angle brackets"};
inline constexpr Rule request_uri_space{"sip-request-uri-space", error, "RFC 3261 7.1",
                                        "white space inside the Request-URI"};
inline constexpr Rule request_uri_headers{"sip-request-uri-headers", error, "RFC 3261 19.1.1",
                                          "header fields in the Request-URI"};
inline constexpr Rule method_case{"sip-method-case", warning, "RFC 3261 7.1",
                                  "a method is case-sensitive: this is an unknown one"};
inline constexpr Rule status_range{"sip-status-range", error, "RFC 3261 7.2",
                                   "the status code is outside 100 to 699"};
inline constexpr Rule line_end{"sip-line-end", error, "RFC 3261 7",
                               "a line ends with LF without CR"};
inline constexpr Rule head_unfinished{"sip-head-unfinished", error, "RFC 3261 7",
                                      "no empty line ends the header fields"};
inline constexpr Rule not_a_field{"sip-not-a-field", error, "RFC 3261 7.3.1",
                                  "a line that is no header field"};
inline constexpr Rule field_name{"sip-field-name", error, "RFC 3261 25.1",
                                 "the name of a header field is not a token"};
inline constexpr Rule control_character{"sip-control-character", error, "RFC 3261 25.1",
                                        "a control character in the header"};
inline constexpr Rule utf8{"sip-utf8", error, "RFC 3261 7", "the header is not valid UTF-8"};

// The fields every message has (8.1.1, 8.2.6).
inline constexpr Rule field_missing{"sip-field-missing", error, "RFC 3261 8.1.1",
                                    "a header field that every message needs is missing"};
inline constexpr Rule field_repeated{"sip-field-repeated", error, "RFC 3261 7.3.1",
                                     "a header field that may stand once stands several times"};
inline constexpr Rule call_id_syntax{"sip-call-id-syntax", error, "RFC 3261 20.8",
                                     "the Call-ID is empty or holds characters it may not"};
inline constexpr Rule cseq_syntax{"sip-cseq-syntax", error, "RFC 3261 20.16",
                                  "CSeq is not a number and a method"};
inline constexpr Rule cseq_range{"sip-cseq-range", error, "RFC 3261 8.1.1.5",
                                 "the CSeq number is not below 2^31"};
inline constexpr Rule cseq_method{"sip-cseq-method", error, "RFC 3261 8.1.1.5",
                                  "the method in CSeq is not the request's"};
inline constexpr Rule max_forwards_syntax{"sip-max-forwards-syntax", error, "RFC 3261 20.22",
                                          "Max-Forwards is not a number"};
inline constexpr Rule max_forwards_range{"sip-max-forwards-range", error, "RFC 3261 20.22",
                                         "Max-Forwards is above 255"};
inline constexpr Rule max_forwards_zero{"sip-max-forwards-zero", note, "RFC 3261 16.3",
                                        "Max-Forwards is 0: nobody may forward this request"};
inline constexpr Rule from_tag_missing{"sip-from-tag-missing", error, "RFC 3261 8.1.1.3",
                                       "From has no tag"};
inline constexpr Rule to_tag_missing{"sip-to-tag-missing", error, "RFC 3261 8.2.6.2",
                                     "To has no tag in a response other than 100"};
inline constexpr Rule outside_dialog{"sip-outside-dialog", warning, "RFC 3261 12.2.1.1",
                                     "a request that belongs in a dialog has no To tag"};

// Via (8.1.1.7, 20.42).
inline constexpr Rule via_syntax{"sip-via-syntax", error, "RFC 3261 20.42",
                                 "a Via value that cannot be read"};
inline constexpr Rule via_address{
    "sip-via-address", warning, "RFC 3261 18.2.2",
    "a Via would send the response to a broadcast, multicast or unspecified address"};
inline constexpr Rule branch_missing{"sip-branch-missing", note, "RFC 3261 8.1.1.7",
                                     "the topmost Via has no branch: an RFC 2543 sender"};
inline constexpr Rule branch_cookie{"sip-branch-cookie", note, "RFC 3261 8.1.1.7",
                                    "the branch does not begin with z9hG4bK: an RFC 2543 sender"};
inline constexpr Rule branch_empty{"sip-branch-empty", error, "RFC 3261 8.1.1.7",
                                   "the branch is nothing but z9hG4bK, so it is not unique"};

// Addresses and URIs (19.1, 20.10, 25.1).
inline constexpr Rule address_syntax{"sip-address-syntax", error, "RFC 3261 20.10",
                                     "an address that cannot be read"};
inline constexpr Rule display_name{"sip-display-name", error, "RFC 3261 25.1",
                                   "a display name without quotes holds more than tokens"};
inline constexpr Rule quote_unbalanced{"sip-quote-unbalanced", error, "RFC 3261 25.1",
                                       "a quoted string is not closed"};
inline constexpr Rule addr_spec_brackets{
    "sip-addr-spec-brackets", error, "RFC 3261 20.10",
    "a URI with '?' or ',', or in a route, must stand in angle brackets"};
inline constexpr Rule empty_parameter{"sip-empty-parameter", error, "RFC 3261 25.1",
                                      "a semicolon with no parameter behind it"};
inline constexpr Rule parameter_repeated{"sip-parameter-repeated", error, "RFC 3261 7.3.1",
                                         "a parameter stands more than once in one value"};
inline constexpr Rule empty_element{"sip-empty-element", error, "RFC 3261 25.1",
                                    "a comma with no value beside it"};
inline constexpr Rule uri_space{"sip-uri-space", error, "RFC 3261 25.1",
                                "white space in a URI, or between it and its brackets"};
inline constexpr Rule uri_syntax{"sip-uri-syntax", error, "RFC 3261 19.1.1",
                                 "a sip URI whose host or port cannot be read"};
inline constexpr Rule uri_escape{"sip-uri-escape", error, "RFC 3261 25.1",
                                 "a percent sign in a URI that begins no escape"};
inline constexpr Rule uri_password{"sip-uri-password", warning, "RFC 3261 19.1.1",
                                   "a password in a URI goes in clear text"};
inline constexpr Rule uri_scheme{
    "sip-uri-scheme", note, "RFC 3261 8.2.2.1",
    "a Request-URI whose scheme few understand: 416 is the answer to expect"};
inline constexpr Rule host_syntax{"sip-host-syntax", warning, "RFC 3261 25.1",
                                  "a host name with characters it may not have"};
inline constexpr Rule tel_context{"sip-tel-context", error, "RFC 3966 5.1.5",
                                  "a local telephone number without phone-context"};

// Contact and routes (8.1.1.8, 10, 12.1.1, 16.6).
inline constexpr Rule contact_missing{"sip-contact-missing", error, "RFC 3261 8.1.1.8",
                                      "a message that makes or refreshes a dialog has no Contact"};
inline constexpr Rule contact_several{"sip-contact-several", error, "RFC 3261 8.1.1.8",
                                      "more than one Contact where a dialog needs exactly one"};
inline constexpr Rule contact_star{"sip-contact-star", error, "RFC 3261 10.2.2",
                                   "Contact: * stands only alone, in REGISTER, with Expires: 0"};
inline constexpr Rule contact_sips{"sip-contact-sips", error, "RFC 3261 8.1.1.8",
                                   "the Request-URI is sips and the Contact is not"};
inline constexpr Rule contact_q{"sip-contact-q", error, "RFC 3261 20.10",
                                "q is not a number from 0 to 1"};
inline constexpr Rule message_contact{"sip-message-contact", error, "RFC 3428 4",
                                      "Contact in a MESSAGE request"};
inline constexpr Rule register_userinfo{"sip-register-userinfo", error, "RFC 3261 10.2",
                                        "the Request-URI of REGISTER names a user"};
inline constexpr Rule record_route_lr{"sip-record-route-lr", error, "RFC 3261 16.6",
                                      "a Record-Route URI without lr"};

// Bodies (7.4, 18.3, 20.14, 20.15).
inline constexpr Rule content_length_syntax{"sip-content-length-syntax", error, "RFC 3261 20.14",
                                            "Content-Length is not a number"};
inline constexpr Rule content_length_missing{"sip-content-length-missing", error, "RFC 3261 20.14",
                                             "no Content-Length over a stream transport"};
inline constexpr Rule body_cut{"sip-body-cut", error, "RFC 3261 18.3",
                               "Content-Length is larger than the body"};
inline constexpr Rule trailing_bytes{
    "sip-trailing-bytes", note, "RFC 3261 18.3",
    "bytes behind the body that Content-Length announces: they are discarded"};
inline constexpr Rule content_type_missing{"sip-content-type-missing", error, "RFC 3261 20.15",
                                           "a body without Content-Type"};
inline constexpr Rule content_type_syntax{"sip-content-type-syntax", error, "RFC 3261 20.15",
                                          "Content-Type is not type/subtype"};
inline constexpr Rule multipart_boundary{
    "sip-multipart-boundary", error, "RFC 2046 5.1.1",
    "a multipart body without a boundary, or whose boundary never comes"};
inline constexpr Rule multipart_unfinished{"sip-multipart-unfinished", error, "RFC 2046 5.1.1",
                                           "the last boundary of a multipart body is missing"};

// Other fields of RFC 3261.
inline constexpr Rule token_list{"sip-token-list", error, "RFC 3261 25.1",
                                 "a list of tokens holds something else"};
inline constexpr Rule require_cancel{"sip-require-cancel", error, "RFC 3261 9.1",
                                     "Require or Proxy-Require in CANCEL"};
inline constexpr Rule date_syntax{"sip-date-syntax", error, "RFC 3261 20.17",
                                  "Date is not an RFC 1123 date in GMT"};
inline constexpr Rule expires_syntax{"sip-expires-syntax", error, "RFC 3261 20.19",
                                     "an expiry that is no number of seconds below 2^32"};
inline constexpr Rule retry_after_syntax{"sip-retry-after-syntax", error, "RFC 3261 20.33",
                                         "Retry-After is no number of seconds"};
inline constexpr Rule timestamp_syntax{"sip-timestamp-syntax", error, "RFC 3261 20.38",
                                       "Timestamp is not a number"};
inline constexpr Rule warning_syntax{
    "sip-warning-syntax", error, "RFC 3261 20.43",
    "Warning is not a three-digit code, an agent and a quoted text"};
inline constexpr Rule authorization_syntax{
    "sip-authorization-syntax", error, "RFC 3261 25.1",
    "credentials or a challenge without scheme and parameters"};
inline constexpr Rule digest_incomplete{"sip-digest-incomplete", error, "RFC 3261 22.4",
                                        "Digest lacks a parameter that it needs"};

// Responses that must say what the client should do now.
inline constexpr Rule challenge_missing{"sip-challenge-missing", error, "RFC 3261 22.1",
                                        "401 or 407 without a challenge"};
inline constexpr Rule allow_missing{"sip-allow-missing", error, "RFC 3261 21.4.6",
                                    "405 without Allow"};
inline constexpr Rule accept_missing{"sip-accept-missing", error, "RFC 3261 8.2.3",
                                     "415 says nothing about what is accepted"};
inline constexpr Rule unsupported_missing{"sip-unsupported-missing", error, "RFC 3261 8.2.2.3",
                                          "420 without Unsupported"};
inline constexpr Rule require_missing{"sip-require-missing", error, "RFC 3261 21.4.16",
                                      "421 without Require"};
inline constexpr Rule min_se_missing{"sip-min-se-missing", error, "RFC 4028 6",
                                     "422 without Min-SE"};
inline constexpr Rule min_expires_missing{"sip-min-expires-missing", error, "RFC 3261 10.3",
                                          "423 without Min-Expires"};
inline constexpr Rule allow_events_missing{"sip-allow-events-missing", error, "RFC 6665 8.3.2",
                                           "489 without Allow-Events"};

// Extensions.
inline constexpr Rule rseq_syntax{"sip-rseq-syntax", error, "RFC 3262 7.1",
                                  "RSeq is no number from 1 to 2^32-1"};
inline constexpr Rule rseq_require{"sip-rseq-require", error, "RFC 3262 3",
                                   "RSeq and Require: 100rel stand together, in 101 to 199"};
inline constexpr Rule rack_missing{"sip-rack-missing", error, "RFC 3262 4", "PRACK without RAck"};
inline constexpr Rule rack_syntax{"sip-rack-syntax", error, "RFC 3262 7.2",
                                  "RAck is not two numbers and a method"};
inline constexpr Rule event_missing{"sip-event-missing", error, "RFC 6665 8.2.1",
                                    "SUBSCRIBE, NOTIFY or PUBLISH without Event"};
inline constexpr Rule subscription_state_missing{
    "sip-subscription-state-missing", error, "RFC 6665 4.1.3", "NOTIFY without Subscription-State"};
inline constexpr Rule refer_to_count{"sip-refer-to-count", error, "RFC 3515 2.4.1",
                                     "REFER needs exactly one Refer-To"};
inline constexpr Rule session_expires_syntax{"sip-session-expires-syntax", error, "RFC 4028 4",
                                             "Session-Expires or Min-SE is no number of seconds"};
inline constexpr Rule session_expires_small{
    "sip-session-expires-small", error, "RFC 4028 7.1",
    "Session-Expires is below Min-SE, or either is below 90 seconds"};
inline constexpr Rule replaces_syntax{
    "sip-replaces-syntax", error, "RFC 3891 6.1",
    "Replaces or Join needs a Call-ID, one to-tag and one from-tag"};
inline constexpr Rule replaces_method{"sip-replaces-method", error, "RFC 3891 3",
                                      "Replaces or Join outside INVITE"};
inline constexpr Rule reason_syntax{
    "sip-reason-syntax", error, "RFC 3326 2",
    "Reason is not a protocol and parameters, or its cause is no number"};
inline constexpr Rule identity_info{"sip-identity-info", error, "RFC 8224 4",
                                    "Identity with a PASSporT says not where the certificate is"};

}  // namespace sipana::sip::rule
