//! The Web API calls the bot makes, over slack-morphism's client.
