// Express with the official Node library, as its documentation writes it by hand.
const express = require("express");
const twilio = require("twilio");

const app = express();
app.use(express.urlencoded({ extended: false }));
app.post("/message", twilio.webhook(process.env.TWILIO_AUTH_TOKEN, { protocol: "http" }), (request, response) => {
  const answer = new twilio.twiml.MessagingResponse();
  answer.message(request.body.Body);
  response.type("text/xml").send(answer.toString());
});
app.listen(Number(process.env.PORT), "127.0.0.1");
